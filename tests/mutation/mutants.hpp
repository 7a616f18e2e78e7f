// Makes mutants of a file, by number: truncated, with flipped bits, swapped fields, or huge numbers.
#pragma once

#include <array>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace cvt_test {

/// splitmix64, so that mutant n of a fixture is the same on every machine.
class numbers {
public:
    explicit numbers(std::uint64_t seed) : state_{seed} {}
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
        return z ^ z >> 31;
    }
    std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(next() % n); }

private:
    std::uint64_t state_;
};

/// Returns the positions and sizes of decimal numbers and quoted words in a text.
inline std::vector<std::pair<std::size_t, std::size_t>> tokens(std::string_view text, bool digits) {
    std::vector<std::pair<std::size_t, std::size_t>> found;
    const auto is_digit = [&](std::size_t i) { return std::isdigit(static_cast<unsigned char>(text[i])) != 0; };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t begin = i;
        if (digits && is_digit(i)) {
            while (i < text.size() && is_digit(i)) ++i;
            found.emplace_back(begin, i - begin);
        } else if (text[i] == '"') {
            for (++i; i < text.size() && text[i] != '"';) ++i;
            if (!digits && i < text.size()) found.emplace_back(begin, i + 1 - begin);
        }
    }
    return found;
}

/// A format. If the sweep knows where its text is, it corrects the length before a changed text.
enum class layout { binary, text, safetensors };

class mutants {
public:
    mutants(std::string file, layout kind) : file_{std::move(file)}, kind_{kind} {
        std::uint64_t header = 0;
        if (kind_ == layout::safetensors) std::memcpy(&header, file_.data(), sizeof header);
        text_at_ = kind_ == layout::safetensors ? 8 : 0;
        text_size_ = kind_ == layout::safetensors ? static_cast<std::size_t>(header) : kind_ == layout::text ? file_.size() : 0;
    }

    /// Returns mutant `n`. Every second one is a truncation, until the file was truncated at every byte of the first 4 KiB.
    [[nodiscard]] std::string operator()(std::uint64_t n) const {
        const std::size_t cuts = file_.size() < 4096 ? file_.size() : 4096;
        if (n % 2 == 0 && n / 2 < cuts) return file_.substr(0, static_cast<std::size_t>(n / 2));
        numbers r{n * 31 + file_.size()};
        std::string m = file_;
        switch (r.below(text_size_ != 0 ? 6 : 4)) {
            case 0: return m.substr(0, r.below(m.size()));
            case 1:
                for (std::size_t i = 1 + r.below(4); i != 0; --i) m[place(r, 1)] ^= static_cast<char>(1 << r.below(8));
                return m;
            case 2: {
                const std::size_t width = std::size_t{1} << r.below(6), a = place(r, width), b = place(r, width);
                for (std::size_t i = 0; i < width && a + i < m.size() && b + i < m.size(); ++i) std::swap(m[a + i], m[b + i]);
                return m;
            }
            case 3: {
                static constexpr std::array<std::uint64_t, 8> huge{~0ULL,      ~0ULL >> 1, 1ULL << 63, 1ULL << 32,
                                                                   0x7FFFFFFF, 0xFFFF,     0,          1ULL << 40};
                const std::size_t width = std::size_t{1} << r.below(4), at = place(r, width);
                const std::uint64_t value = huge[r.below(huge.size())];
                std::memcpy(m.data() + at, &value, width < m.size() - at ? width : m.size() - at);
                return m;
            }
            default: return changed_text(r);
        }
    }

private:
    /// Chooses a position, half of the time at the beginning or end of the file, where the structure is.
    [[nodiscard]] std::size_t place(numbers& r, std::size_t width) const {
        const std::size_t positions = file_.size() > width ? file_.size() - width + 1 : 1, edge = positions < 2048 ? positions : 2048;
        const std::size_t where = r.below(4);
        return where < 2 ? r.below(positions) : where == 2 ? r.below(edge) : positions - 1 - r.below(edge);
    }

    /// Makes a number huge, or swaps two words or numbers.
    [[nodiscard]] std::string changed_text(numbers& r) const {
        static constexpr std::array<const char*, 14> huge{"18446744073709551615",
                                                          "18446744073709551616",
                                                          "9223372036854775807",
                                                          "4294967296",
                                                          "4611686018427387904",
                                                          "2147483648",
                                                          "65537",
                                                          "0",
                                                          "-1",
                                                          "1e308",
                                                          "1e400",
                                                          "0.5",
                                                          "1e2",
                                                          "[]"};
        std::string text = file_.substr(text_at_, text_size_);
        const auto found = tokens(text, r.below(2) == 0);
        if (!found.empty() && r.below(3) != 0) {
            const auto [a, a_size] = found[r.below(found.size())];
            text.replace(a, a_size, huge[r.below(huge.size())]);
        } else if (!found.empty()) {
            auto first = found[r.below(found.size())], second = found[r.below(found.size())];
            if (first.first > second.first) std::swap(first, second);
            const std::string a = text.substr(first.first, first.second), b = text.substr(second.first, second.second);
            text.replace(second.first, second.second, a);
            text.replace(first.first, first.second, b);
        }
        if (kind_ == layout::text) return text;
        const std::uint64_t size = text.size();
        std::string m(8, '\0');
        std::memcpy(m.data(), &size, 8);
        return m + text + file_.substr(text_at_ + text_size_);
    }

    std::string file_;
    layout kind_;
    std::size_t text_at_ = 0, text_size_ = 0;
};

}  // namespace cvt_test
