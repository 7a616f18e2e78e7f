// Reads and writes .npy files (NumPy's format, versions 1 and 2) of float32 or float64 in C order.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "../runtime/buffer.hpp"
#include "../text.hpp"

CVT_NAMESPACE_BEGIN

/// The extents of an array, outermost first; at most 8 of them.
/// @code{.cpp}
/// cvt::result<cvt::npy_array> array = cvt::read_npy("input.npy");
/// if (!array) return report(array.error());
/// for (std::size_t extent : array->shape) std::printf("%zu ", extent);
/// @endcode
class npy_shape {
public:
    static constexpr std::size_t max_rank = 8;

    [[nodiscard]] std::size_t size() const noexcept { return rank_; }
    std::size_t operator[](std::size_t axis) const noexcept { return extents_[axis]; }
    [[nodiscard]] const std::size_t* begin() const noexcept { return extents_.data(); }
    [[nodiscard]] const std::size_t* end() const noexcept { return extents_.data() + rank_; }
    [[nodiscard]] bool push_back(std::size_t extent) noexcept {
        if (rank_ == max_rank) return false;
        extents_[rank_++] = extent;
        return true;
    }
    /// Product of `extents`, 1 for none; false if it overflows.
    static bool product(std::span<const std::size_t> extents, std::size_t& count) noexcept {
        bool empty = false, fits = true;
        count = 1;
        for (const std::size_t n : extents) {
            empty = empty || n == 0;
            fits = fits && (n == 0 || count <= SIZE_MAX / n);
            count *= n;
        }
        return empty || fits;
    }

private:
    std::array<std::size_t, max_rank> extents_{};
    std::size_t rank_ = 0;
};

/// An array read from a file. The number of `values` is the product of `shape`; the last index runs fastest.
/// @code{.cpp}
/// cvt::result<cvt::npy_array> array = cvt::read_npy("input.npy");
/// if (!array) return report(array.error());
/// if (array->shape.size() != 3) return 2;  // (channels, height, width)
/// const cvt::view<const float, 3> input{array->values.data(), array->shape[0], array->shape[1], array->shape[2]};
/// if (cvt::error e = session.logits(input, logits)) return report(e);
/// @endcode
template <class T>
struct basic_npy {
    npy_shape shape;
    detail::buffer<T> values;
};
using npy_array = basic_npy<float>;

namespace detail {

/// Parser of the header: the Python literal {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 224, 224), }.
class npy_header_parser {
public:
    explicit npy_header_parser(std::string_view text) noexcept : text_{text} {}

    /// Errors (malformed, unsupported): anything but exactly these three keys with values of these kinds.
    error parse(const char* path) noexcept {
        bool ok = take('{');
        for (bool more = ok; more && !take('}');) {
            std::string_view key;
            ok = string(key) && take(':');
            if (ok && key == "descr" && peek() == '[')
                return error::format(errc::unsupported, "%s: structured .npy dtypes are not supported", path);
            ok = ok && ((key == "descr" && once(1) && string(descr)) || (key == "fortran_order" && once(2) && boolean(fortran_order)) ||
                        (key == "shape" && once(4) && tuple()));
            if (too_many_) return error::format(errc::unsupported, "%s: more than %zu dimensions", path, npy_shape::max_rank);
            more = ok && take(',');
            if (ok && !more) ok = take('}');
        }
        skip_spaces();
        if (at_ < text_.size() && text_[at_] == '\n') ++at_;
        if (ok && seen_ == 7 && at_ == text_.size()) return {};
        return error::format(errc::malformed, "%s: .npy header is not {'descr': ..., 'fortran_order': ..., 'shape': ...} (at byte %zu)",
                             path, at_);
    }

    std::string_view descr;
    bool fortran_order = false;
    npy_shape shape;

private:
    void skip_spaces() noexcept {
        while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    }
    char peek() noexcept {
        skip_spaces();
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    bool take(char c) noexcept {
        if (peek() != c || at_ >= text_.size()) return false;
        ++at_;
        return true;
    }
    bool once(unsigned bit) noexcept {
        const bool first = (seen_ & bit) == 0;
        seen_ |= bit;
        return first;
    }
    bool string(std::string_view& out) noexcept {
        const char quote = peek();
        if (quote != '\'' && quote != '"') return false;
        const std::size_t end = text_.find(quote, at_ + 1);
        if (end == std::string_view::npos) return false;
        out = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        return true;
    }
    bool boolean(bool& out) noexcept {
        skip_spaces();
        const std::string_view rest = text_.substr(at_);
        if (!rest.starts_with("True") && !rest.starts_with("False")) return false;
        out = rest.starts_with("True");
        at_ += out ? 4 : 5;
        return true;
    }
    bool number(std::size_t& out) noexcept {
        if (peek() < '0' || peek() > '9') return false;
        out = 0;
        for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
            const auto digit = static_cast<std::size_t>(text_[at_] - '0');
            if (out > (SIZE_MAX - digit) / 10) return false;
            out = out * 10 + digit;
        }
        return true;
    }
    bool tuple() noexcept {
        if (!take('(')) return false;
        while (!take(')')) {
            std::size_t extent = 0;
            if (!number(extent)) return false;
            too_many_ = !shape.push_back(extent);
            if (too_many_) return false;
            if (!take(',')) return shape.size() > 1 && take(')');  // Python's (5) is a number, (5,) a tuple
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    unsigned seen_ = 0;
    bool too_many_ = false;
};

struct close_file {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using unique_file = std::unique_ptr<std::FILE, close_file>;

}  // namespace detail

/// Reads an array of T, float or double. The file must have exactly that type, in C order, and nothing after the data.
/// Errors, which name the path: io; malformed (not a .npy file, a size that differs from the header's); unsupported
/// (another version, element type or order, more than 8 dimensions); out_of_memory.
template <class T = float>
result<basic_npy<T>> read_npy(const char* path) noexcept {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
    constexpr std::string_view wanted = sizeof(T) == 4 ? "<f4" : "<f8";
    constexpr std::size_t max_header = std::size_t{1} << 16;

    const auto bad = [path](errc code, const char* what) noexcept { return error::format(code, "%s: %s", path, what); };
    const detail::unique_file file{std::fopen(path, "rb")};
    if (!file) return bad(errc::io, "cannot be opened");
    std::array<unsigned char, 12> start{};
    if (std::fread(start.data(), 1, 10, file.get()) != 10) {
        if (std::ferror(file.get()) != 0) return bad(errc::io, "cannot be read");
        return bad(errc::malformed, "not a .npy file (shorter than 10 bytes)");
    }
    if (std::memcmp(start.data(), "\x93NUMPY", 6) != 0) return bad(errc::malformed, "not a .npy file (it does not begin with \\x93NUMPY)");
    if (start[6] != 1 && start[6] != 2)
        return error::format(errc::unsupported, "%s: .npy version %d.%d: expected 1 or 2", path, start[6], start[7]);
    std::size_t header_size = start[8] | static_cast<std::size_t>(start[9]) << 8;
    std::size_t data_at = 10 + header_size;
    if (start[6] == 2) {
        if (std::fread(start.data() + 10, 1, 2, file.get()) != 2) return bad(errc::malformed, "ends inside the .npy header");
        header_size |= static_cast<std::size_t>(start[10]) << 16 | static_cast<std::size_t>(start[11]) << 24;
        data_at = 12 + header_size;
    }
    if (header_size > max_header)
        return error::format(errc::malformed, "%s: .npy header of %zu bytes: expected at most %zu", path, header_size, max_header);

    detail::buffer<char> text;
    if (!text.resize(header_size)) return error::out_of_memory("a .npy header", header_size);
    if (header_size != 0 && std::fread(text.data(), 1, header_size, file.get()) != header_size)
        return bad(errc::malformed, "ends inside the .npy header");
    detail::npy_header_parser header{{text.data(), header_size}};
    if (error e = header.parse(path)) return e;
    if (header.descr != wanted)
        return error::format(errc::unsupported, "%s: expected elements of type %s (%s), found '%s'", path, wanted.data(),
                             sizeof(T) == 4 ? "float32" : "float64", detail::printable{header.descr, 40}.text);
    if (header.fortran_order) return bad(errc::unsupported, "expected C order, found Fortran order (save numpy.ascontiguousarray(a))");

    std::size_t count = 0;
    if (!npy_shape::product({header.shape.begin(), header.shape.size()}, count) || count > SIZE_MAX / 2 / sizeof(T))
        return bad(errc::malformed, "the shape in the .npy header is too large");
    const long end = std::fseek(file.get(), 0, SEEK_END) == 0 ? std::ftell(file.get()) : -1;
    if (end < 0 || std::fseek(file.get(), static_cast<long>(data_at), SEEK_SET) != 0) return bad(errc::io, "cannot be read (no size)");
    const std::size_t size = static_cast<std::size_t>(end), available = size < data_at ? 0 : size - data_at;
    if (available != count * sizeof(T))
        return error::format(errc::malformed, "%s: expected %zu bytes of data for the shape in the .npy header, file has %zu", path,
                             count * sizeof(T), available);

    basic_npy<T> array;
    array.shape = header.shape;
    if (!array.values.resize(count)) return error::out_of_memory(path, count * sizeof(T));
    if (count != 0 && std::fread(array.values.data(), sizeof(T), count, file.get()) != count)
        return bad(errc::io, "cannot be read to its end");
    return array;
}

/// The first bytes of a .npy file.
/// @code{.cpp}
/// const std::size_t shape[]{1000, 384};
/// const cvt::npy_start start = cvt::npy_header(shape);
/// std::fwrite(start.bytes.data(), 1, start.size, stdout);  // 384,000 floats follow
/// @endcode
struct npy_start {
    std::array<char, 320> bytes{};  ///< 8 extents of 20 digits fit
    std::size_t size = 0;           ///< 0 if the shape has more than 8 dimensions or `width` is too small for it
};

/// Returns the first bytes of a .npy file (version 1) of float32 in C order. `width`: their number; 0 gives the fewest that the format
/// allows, a multiple of 64.
inline npy_start npy_header(std::span<const std::size_t> shape, std::size_t width = 0) noexcept {
    npy_start start;
    if (shape.size() > npy_shape::max_rank) return start;
    char text[288] = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
    std::size_t used = std::strlen(text);
    for (std::size_t i = 0; i < shape.size(); ++i)
        used += static_cast<std::size_t>(std::snprintf(text + used, sizeof text - used, i == 0 ? "%zu" : ", %zu", shape[i]));
    // Python's (5) is a number, (5,) a tuple.
    used += static_cast<std::size_t>(std::snprintf(text + used, sizeof text - used, "%s), }", shape.size() == 1 ? "," : ""));
    constexpr std::size_t fixed = 10;  // magic, version, length of the text
    const std::size_t least = fixed + used + 1, size = width == 0 ? (least + 63) / 64 * 64 : width;
    if (size < least || size > start.bytes.size()) return start;
    std::memcpy(start.bytes.data(), "\x93NUMPY\x01\x00", 8);
    start.bytes[8] = static_cast<char>((size - fixed) & 0xFF);
    start.bytes[9] = static_cast<char>((size - fixed) >> 8);
    std::memcpy(start.bytes.data() + fixed, text, used);
    std::memset(start.bytes.data() + fixed + used, ' ', size - least);
    start.bytes[size - 1] = '\n';
    start.size = size;
    return start;
}

/// Writes `values` as a float32 array of `shape` (C order, version 1). Errors: invalid_argument (the shape has another number of
/// elements, or more than 8 dimensions); io.
inline error write_npy(const char* path, std::span<const float> values, std::span<const std::size_t> shape) noexcept {
    std::size_t count = 0;
    if (shape.size() > npy_shape::max_rank)
        return error::format(errc::invalid_argument, "%s: expected a shape of at most %zu dimensions, found %zu", path, npy_shape::max_rank,
                             shape.size());
    if (!npy_shape::product(shape, count))
        return error::format(errc::invalid_argument, "%s: the shape has more elements than a size_t can count", path);
    if (count != values.size())
        return error::format(errc::invalid_argument, "%s: expected %zu values for the shape, found %zu", path, count, values.size());
    const npy_start start = npy_header(shape);
    detail::unique_file file{std::fopen(path, "wb")};
    if (!file) return error::format(errc::io, "%s: cannot be opened for writing", path);
    const bool written = std::fwrite(start.bytes.data(), 1, start.size, file.get()) == start.size &&
                         (values.empty() || std::fwrite(values.data(), sizeof(float), values.size(), file.get()) == values.size());
    if (std::fclose(file.release()) != 0 || !written) return error::format(errc::io, "%s: cannot be written", path);
    return {};
}

CVT_NAMESPACE_END
