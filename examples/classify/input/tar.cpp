// tar.hpp: the format (POSIX.1-2017, pax) has headers of 512 bytes, data padded to 512, and two blocks of zeros at the end.
#include "input/tar.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "platform/platform.hpp"

namespace app {
namespace {

constexpr std::size_t block = 512;
constexpr std::uint64_t longest_text = 1U << 20;  // of a pax header or a GNU name
constexpr std::uint64_t largest = std::uint64_t{1} << 62;

// The text of a field up to its NUL if there is one.
std::string_view field_text(const char* field, std::size_t size) {
    return {field, static_cast<std::size_t>(std::find(field, field + size, '\0') - field)};
}

// Octal digits between optional spaces, up to a NUL or the end of the field; or GNU's base 256, marked by the highest bit.
std::optional<std::uint64_t> number_of(const char* field, std::size_t size) {
    std::uint64_t value = 0;
    if (static_cast<unsigned char>(field[0]) == 0x80) {
        for (std::size_t i = 1; i < size; ++i) {
            if (value >= largest >> 8) return std::nullopt;
            value = value << 8 | static_cast<unsigned char>(field[i]);
        }
        return value;
    }
    std::string_view digits = field_text(field, size);
    const std::size_t begin = digits.find_first_not_of(' '), end = digits.find_last_not_of(' ');
    if (begin == std::string_view::npos) return std::nullopt;
    digits = digits.substr(begin, end - begin + 1);
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
    if (error != std::errc{} || stop != digits.data() + digits.size() || value >= largest) return std::nullopt;
    return value;
}

bool all_zero(const char* bytes, std::size_t size) {
    return std::all_of(bytes, bytes + size, [](char c) { return c == 0; });
}

// Whether the file begins like one of gzip, bzip2, xz or zstd.
bool is_compressed(const void* begin) {
    return std::memcmp(begin, "\x1F\x8B", 2) == 0 || std::memcmp(begin, "BZh", 3) == 0 ||
           std::memcmp(begin,
                       "\xFD"
                       "7zXZ",
                       5) == 0 ||
           std::memcmp(begin, "\x28\xB5\x2F\xFD", 4) == 0;
}

}  // namespace

struct tar_reader::header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, linkname[100], magic[8], uname[32], gname[32],
        major[8], minor[8], prefix[155], padding[12];

    [[nodiscard]] bool sum_is_right() const {
        std::array<unsigned char, block> bytes;
        std::memcpy(bytes.data(), this, block);
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < block; ++i) sum += i >= 148 && i < 156 ? 0x20U : bytes[i];
        return number_of(checksum, sizeof checksum) == sum;
    }
    // GNU's own format has times in the place of ustar's prefix.
    [[nodiscard]] std::string full_name() const {
        const std::string_view first = field_text(prefix, sizeof prefix), last = field_text(name, sizeof name);
        const bool ustar = std::memcmp(magic, "ustar\0", 6) == 0;
        return ustar && !first.empty() ? std::string{first} + '/' + std::string{last} : std::string{last};
    }
};

cvt::result<tar_reader> tar_reader::open(const std::string& path, read_control& control) {
    static_assert(sizeof(header) == block);
    file archive{path, file::mode::read};
    if (!archive) return cvt::error::format(cvt::errc::io, "cannot open %s: %s", path.c_str(), std::strerror(errno));
    return tar_reader{std::move(archive), control};
}

cvt::error tar_reader::broken(const char* what) const {
    return cvt::error::format(cvt::errc::malformed, "tar archive, byte %llu: %s", static_cast<unsigned long long>(at_), what);
}

// Returns the number of bytes; 0 at the end.
cvt::result<std::size_t> tar_reader::get_some(void* to, std::size_t count) {
    const std::ptrdiff_t got = file_.read(static_cast<char*>(to), count, *control_);
    if (got < 0) return cvt::error::format(cvt::errc::io, "cannot read the tar archive: %s", std::strerror(errno));
    at_ += static_cast<std::size_t>(got);
    return static_cast<std::size_t>(got);
}

cvt::error tar_reader::get(void* to, std::size_t count) {
    for (auto* next = static_cast<char*>(to); count > 0;) {
        const cvt::result<std::size_t> got = get_some(next, count);
        if (!got) return got.error();
        if (*got == 0) return broken("unexpected end: the archive is truncated");
        next += *got;
        count -= *got;
    }
    return {};
}

cvt::error tar_reader::skip(std::uint64_t count) {
    if (total_) {
        at_ += count;
        if (file_.skip(count)) return {};
        return cvt::error::format(cvt::errc::io, "cannot read the tar archive: %s", std::strerror(errno));
    }
    for (char bytes[4096]; count > 0;) {
        const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(count, sizeof bytes));
        if (cvt::error e = get(bytes, part)) return e;
        count -= part;
    }
    return {};
}

// Begins the data of a member or header, `size` bytes.
cvt::error tar_reader::take(std::uint64_t size) {
    data_ = size;
    padding_ = (block - size % block) % block;
    if (total_ && data_ + padding_ > *total_ - at_)
        return cvt::error::format(cvt::errc::malformed,
                                  "tar archive, byte %llu: expected %llu bytes of data and %llu of padding, found only %llu bytes",
                                  static_cast<unsigned long long>(at_), static_cast<unsigned long long>(size),
                                  static_cast<unsigned long long>(padding_), static_cast<unsigned long long>(*total_ - at_));
    return {};
}

cvt::error tar_reader::skip_rest() {
    const std::uint64_t rest = data_ + padding_;
    data_ = padding_ = 0;
    return rest > 0 ? skip(rest) : cvt::error{};
}

cvt::result<std::vector<std::byte>> tar_reader::read() {
    std::vector<std::byte> bytes;
    // Grows with the data that arrive: the size in a header may be wrong.
    for (constexpr std::uint64_t step = 1U << 22; data_ > 0;) {
        const std::size_t part = static_cast<std::size_t>(std::min(data_, step)), before = bytes.size();
        bytes.resize(before + part);
        if (cvt::error e = get(bytes.data() + before, part)) return e;
        data_ -= part;
    }
    if (cvt::error e = skip_rest()) return e;
    return bytes;
}

cvt::result<std::string> tar_reader::read_text(const char* what) {
    if (data_ > longest_text)
        return cvt::error::format(cvt::errc::malformed, "tar archive, byte %llu: %s has %llu bytes, more than the limit of 1 MiB",
                                  static_cast<unsigned long long>(at_), what, static_cast<unsigned long long>(data_));
    const cvt::result<std::vector<std::byte>> bytes = read();
    if (!bytes) return bytes.error();
    return std::string{reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

// Records are "LENGTH KEYWORD=VALUE\n", where LENGTH counts the whole record. An empty value cancels an earlier one.
cvt::error tar_reader::read_pax(extension& found) {
    const cvt::result<std::string> text = read_text("a pax header");
    if (!text) return text.error();
    for (std::string_view rest = *text; !rest.empty();) {
        std::size_t length = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
        const auto digits = static_cast<std::size_t>(end - rest.data());
        if (error != std::errc{} || length > rest.size() || length < digits + 3 || rest[digits] != ' ' || rest[length - 1] != '\n')
            return broken("a pax record has a wrong length");
        const std::string_view record = rest.substr(digits + 1, length - digits - 2);
        rest.remove_prefix(length);
        const std::size_t equals = record.find('=');
        if (equals == std::string_view::npos || equals == 0) return broken("a pax record has no keyword");
        const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
        if (key.starts_with("GNU.sparse."))
            return cvt::error::format(cvt::errc::unsupported,
                                      "tar archive, byte %llu: sparse files are not supported; pack without --sparse",
                                      static_cast<unsigned long long>(at_));
        if (key == "path") found.name = value.empty() ? std::nullopt : std::optional{std::string{value}};
        if (key == "size") {
            std::uint64_t size = 0;
            const auto [stop, wrong] = std::from_chars(value.data(), value.data() + value.size(), size);
            if (wrong != std::errc{} || stop != value.data() + value.size() || size >= largest) return broken("a pax size is not a number");
            found.size = size;
        }
    }
    return {};
}

// Reads what follows the first block of zeros: the second one, and padding.
cvt::error tar_reader::check_end() {
    char bytes[block];
    if (cvt::error e = get(bytes, block)) return e;
    if (!all_zero(bytes, block)) return broken("expected two blocks of zeros at the end, found one");
    for (;;) {
        const std::uint64_t before = at_;
        const cvt::result<std::size_t> got = get_some(bytes, block);
        if (!got || *got == 0) return got.error();
        if (all_zero(bytes, *got)) continue;
        at_ = before;
        return broken("data after the end of the archive (two archives in one file?)");
    }
}

cvt::result<std::optional<tar_member>> tar_reader::next() {
    if (cvt::error e = skip_rest()) return e;
    extension given;
    for (bool extended = false;;) {
        header h;
        if (cvt::error e = get(&h, block)) return e;
        if (all_zero(reinterpret_cast<const char*>(&h), block)) {
            if (extended) return broken("expected a member after its extended header, found the end of the archive");
            if (cvt::error e = check_end()) return e;
            return std::optional<tar_member>{};
        }
        if (at_ == block && is_compressed(&h))
            return cvt::error::format(cvt::errc::unsupported,
                                      "a compressed archive; decompress it first, as in: zcat FILE | classify --tar /dev/stdin");
        if (!h.sum_is_right()) return broken("wrong checksum of a header: not a tar archive, or damaged");
        const std::optional<std::uint64_t> size = number_of(h.size, sizeof h.size);
        if (!size) return broken("the size is not a number");
        const bool describes_next = h.type == 'x' || h.type == 'g' || h.type == 'L' || h.type == 'K';
        // Links and folders have no data, though POSIX allows a size in their headers.
        const bool no_data = h.type >= '1' && h.type <= '6';
        if (cvt::error e = take(no_data ? 0 : describes_next ? *size : given.size.value_or(*size))) return e;
        if (h.type == 'S' || h.type == 'M')
            return cvt::error::format(
                cvt::errc::unsupported, "tar archive, byte %llu: %s", static_cast<unsigned long long>(at_),
                h.type == 'S' ? "sparse files are not supported; pack without --sparse" : "archives of several volumes are not supported");
        if (h.type == 'x') {
            if (cvt::error e = read_pax(given)) return e;
        } else if (h.type == 'L') {
            const cvt::result<std::string> name = read_text("a long name");
            if (!name) return name.error();
            given.name = name->substr(0, name->find('\0'));
        } else if (describes_next) {
            extension of_all;  // a global header sets nothing that is used here, but must be well-formed
            if (cvt::error e = h.type == 'g' ? read_pax(of_all) : skip_rest()) return e;
            if (of_all.name || of_all.size) return broken("a global pax header sets a name or a size");
        }
        extended = extended || (describes_next && h.type != 'g');
        if (describes_next) continue;

        tar_member member{given.name.value_or(h.full_name()), tar_member::kind::other, data_};
        if (member.name.empty() || member.name.find('\0') != std::string::npos)
            return broken("the name of a member is empty or contains a NUL byte");
        if (h.type == '5' || ((h.type == '0' || h.type == '\0') && member.name.ends_with('/')))
            member.type = tar_member::kind::folder;
        else if (h.type == '0' || h.type == '\0' || h.type == '7')
            member.type = tar_member::kind::file;
        else if (h.type == '1' || h.type == '2')
            member.type = tar_member::kind::link;
        return std::optional{std::move(member)};
    }
}

}  // namespace app
