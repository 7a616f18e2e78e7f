// Reads .npy files (NumPy's format, versions 1 and 2) of floats, whole or in parts; writes float32.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "../checkpoint/formats/half.hpp"
#include "../runtime/buffer.hpp"
#include "../runtime/file.hpp"
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
        out = slice(text_, at_ + 1, end - at_ - 1);
        at_ = end + 1;
        return true;
    }
    bool boolean(bool& out) noexcept {
        skip_spaces();
        const std::string_view rest = slice(text_, at_);
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

/// What the header of a .npy file says, compared with the size of the file.
struct npy_layout {
    npy_shape shape;
    char kind = 0;                             ///< '2', '4' or '8', the bytes of a float; 0 for every other type
    char descr[sizeof(printable::text)] = "";  ///< the type, for messages
    bool fortran_order = false;                ///< the first index runs fastest
    std::size_t data_at = 0;                   ///< bytes before the data
    std::uint64_t available = 0;               ///< bytes of the data
};

/// Reads the header and finds the size of the data; the file then stands at its first byte. Errors, which name the path: io, malformed,
/// unsupported, out_of_memory.
inline error read_npy_layout(std::FILE* file, const char* path, npy_layout& out) noexcept {
    constexpr std::size_t max_header = std::size_t{1} << 16;
    const auto bad = [path](errc code, const char* what) noexcept { return error::format(code, "%s: %s", path, what); };
    std::array<unsigned char, 12> start{};
    if (std::fread(start.data(), 1, 10, file) != 10) {
        if (std::ferror(file) != 0) return bad(errc::io, "cannot be read");
        return bad(errc::malformed, "not a .npy file (shorter than 10 bytes)");
    }
    if (std::memcmp(start.data(), "\x93NUMPY", 6) != 0) return bad(errc::malformed, "not a .npy file (it does not begin with \\x93NUMPY)");
    if (start[6] != 1 && start[6] != 2)
        return error::format(errc::unsupported, "%s: .npy version %d.%d: expected 1 or 2", path, start[6], start[7]);
    std::size_t header_size = start[8] | static_cast<std::size_t>(start[9]) << 8;
    if (start[6] == 2) {
        if (std::fread(start.data() + 10, 1, 2, file) != 2) return bad(errc::malformed, "ends inside the .npy header");
        header_size |= static_cast<std::size_t>(start[10]) << 16 | static_cast<std::size_t>(start[11]) << 24;
    }
    out.data_at = (start[6] == 2 ? 12 : 10) + header_size;
    if (header_size > max_header)
        return error::format(errc::malformed, "%s: .npy header of %zu bytes: expected at most %zu", path, header_size, max_header);

    detail::buffer<char> text;
    if (!text.resize(header_size)) return error::out_of_memory("a .npy header", header_size);
    if (header_size != 0 && std::fread(text.data(), 1, header_size, file) != header_size)
        return bad(errc::malformed, "ends inside the .npy header");
    detail::npy_header_parser header{{text.data(), header_size}};
    if (error e = header.parse(path)) return e;
    out.shape = header.shape;
    out.fortran_order = header.fortran_order;
    std::snprintf(out.descr, sizeof out.descr, "%s", printable{header.descr, 40}.text);
    if (header.descr.size() == 3 && header.descr.starts_with("<f") && std::strchr("248", header.descr[2]) != nullptr)
        out.kind = header.descr[2];

    const long long end = size_of_file(file), begin = static_cast<long long>(out.data_at);
    if (end < 0 || !seek_file(file, begin, SEEK_SET)) return bad(errc::io, "cannot be read (no size)");
    out.available = end < begin ? 0 : static_cast<std::uint64_t>(end - begin);
    return {};
}

/// Compares the number of bytes with the shape. Errors: malformed.
inline error check_npy_size(const npy_layout& layout, std::size_t width, const char* path, std::size_t& count) noexcept {
    if (!npy_shape::product({layout.shape.begin(), layout.shape.size()}, count) || count > SIZE_MAX / 2 / width)
        return error::format(errc::malformed, "%s: the shape in the .npy header is too large", path);
    if (layout.available == count * width) return {};
    return error::format(errc::malformed, "%s: expected %zu bytes of data for the shape in the .npy header, file has %llu", path,
                         count * width, static_cast<unsigned long long>(layout.available));
}

}  // namespace detail

/// Reads an array of T, float or double. The file must have exactly that type, in C order, and nothing after the data.
/// Errors, which name the path: io; malformed (not a .npy file, a size that differs from the header's); unsupported
/// (another version, element type or order, more than 8 dimensions); out_of_memory.
template <class T = float>
result<basic_npy<T>> read_npy(const char* path) noexcept {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
    const auto bad = [path](errc code, const char* what) noexcept { return error::format(code, "%s: %s", path, what); };
    const detail::unique_file file = detail::open_file(path);
    if (!file) return bad(errc::io, "cannot be opened");
    detail::npy_layout layout;
    if (error e = detail::read_npy_layout(file.get(), path, layout)) return e;
    if (layout.kind != (sizeof(T) == 4 ? '4' : '8'))
        return error::format(errc::unsupported, "%s: expected elements of type %s, found '%s'", path,
                             sizeof(T) == 4 ? "<f4 (float32)" : "<f8 (float64)", layout.descr);
    if (layout.fortran_order) return bad(errc::unsupported, "expected C order, found Fortran order (save numpy.ascontiguousarray(a))");
    std::size_t count = 0;
    if (error e = detail::check_npy_size(layout, sizeof(T), path, count)) return e;

    basic_npy<T> array;
    array.shape = layout.shape;
    if (!array.values.resize(count)) return error::out_of_memory(path, count * sizeof(T));
    if (count != 0 && std::fread(array.values.data(), sizeof(T), count, file.get()) != count)
        return bad(errc::io, "cannot be read to its end");
    return array;
}

/// An open .npy file of float16, float32 or float64, in C or Fortran order, of which any part can be read as float32. An array in C
/// order stays in the file; one in Fortran order is read into memory when it is opened.
/// @code{.cpp}
/// cvt::result<cvt::npy_file> file = cvt::npy_file::open("inputs.npy");
/// if (!file) return report(file.error());
/// std::vector<float> row(3 * 224 * 224);
/// for (std::size_t i = 0; i < file->shape()[0]; ++i)
///     if (cvt::error e = file->read(i * row.size(), row)) return report(e);
/// @endcode
class npy_file {
public:
    /// Errors, which name the path: io; malformed (not a .npy file, a size that differs from the header's); unsupported (another
    /// version or element type, more than 8 dimensions); out_of_memory.
    static result<npy_file> open(const char* path) noexcept {
        npy_file f;
        f.file_ = detail::open_file(path);
        if (!f.file_) return error::format(errc::io, "%s: cannot be opened", path);
        if (error e = detail::read_npy_layout(f.file_.get(), path, f.layout_)) return e;
        if (f.layout_.kind == 0)
            return error::format(errc::unsupported, "%s: expected elements of type <f4, <f8 or <f2 (float32, float64, float16), found '%s'",
                                 path, f.layout_.descr);
        std::size_t count = 0;
        if (error e = detail::check_npy_size(f.layout_, f.width(), path, count)) return e;
        // The order of an array with at most one extent above 1 does not matter.
        std::size_t longest = 0;
        for (const std::size_t n : f.layout_.shape) longest = std::max(longest, n);
        if (f.layout_.fortran_order && longest != count)
            if (error e = f.transpose(path, count)) return e;
        return f;
    }

    [[nodiscard]] const npy_shape& shape() const noexcept { return layout_.shape; }

    /// Reads out.size() values from number `first` on, counted in C order. A float64 becomes the nearest float32, infinite beyond its
    /// range. Errors: invalid_argument (beyond the array), io.
    error read(std::size_t first, std::span<float> out) noexcept {
        const auto count = static_cast<std::size_t>(layout_.available) / width();
        if (first > count || out.size() > count - first)
            return error::format(errc::invalid_argument, "values %zu to %zu of an array of %zu", first, first + out.size(), count);
        if (!transposed_.empty()) {
            std::copy_n(transposed_.data() + first, out.size(), out.data());
            return {};
        }
        const auto at = static_cast<long long>(layout_.data_at + first * width());
        if (next_ != first && !detail::seek_file(file_.get(), at, SEEK_SET))
            return error::format(errc::io, "cannot be read at value %zu", first);
        unsigned char block[8192];
        for (std::size_t done = 0; done < out.size();) {
            const std::size_t n = std::min(out.size() - done, sizeof block / width());
            if (std::fread(block, width(), n, file_.get()) != n) {
                next_ = SIZE_MAX;
                return error::format(errc::io, "cannot be read at value %zu", first + done);
            }
            for (std::size_t i = 0; i < n; ++i) out[done + i] = value(block + i * width());
            done += n;
        }
        next_ = first + out.size();
        return {};
    }

private:
    npy_file() noexcept = default;
    [[nodiscard]] std::size_t width() const noexcept { return static_cast<std::size_t>(layout_.kind - '0'); }
    [[nodiscard]] float value(const unsigned char* bytes) const noexcept {
        const auto load = [bytes](auto number) noexcept {
            std::memcpy(&number, bytes, sizeof number);
            return number;
        };
        if (layout_.kind == '2') return checkpoint::f16_to_float(load(std::uint16_t{0}));
        return layout_.kind == '4' ? load(0.F) : to_float32(load(0.0));
    }
    /// A conversion of a double beyond float32's range is undefined in C++.
    static float to_float32(double v) noexcept {
        constexpr double limit = 3.4028235677973366e38;  // halfway from the largest float32 to the next power of two
        if (v >= limit || v <= -limit) return v > 0 ? HUGE_VALF : -HUGE_VALF;
        return static_cast<float>(v);
    }
    /// Reads all values in the order of the file, and stores each at its place in C order.
    error transpose(const char* path, std::size_t count) noexcept {
        detail::buffer<float> values;
        if (!values.resize(count)) return error::out_of_memory(path, count * sizeof(float));
        std::array<std::size_t, npy_shape::max_rank> stride{}, index{};
        const std::size_t rank = layout_.shape.size();
        for (std::size_t axis = rank, step = 1; axis-- > 0; step *= layout_.shape[axis]) stride[axis] = step;
        std::size_t at = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (error e = read(i, {&values[at], 1})) return error::format(e.code(), "%s: %s", path, e.what());
            for (std::size_t axis = 0; axis < rank; ++axis) {
                at += stride[axis];
                if (++index[axis] < layout_.shape[axis]) break;
                at -= stride[axis] * index[axis];
                index[axis] = 0;
            }
        }
        transposed_ = std::move(values);
        return {};
    }

    detail::unique_file file_;
    detail::npy_layout layout_;
    std::size_t next_ = 0;              ///< the number of the value at which the file stands
    detail::buffer<float> transposed_;  ///< empty for an array in C order
};

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
    detail::text_list<288> text{"{'descr': '<f4', 'fortran_order': False, 'shape': ("};
    for (std::size_t i = 0; i < shape.size(); ++i) text.add(i == 0 ? "" : ", ", "%zu", shape[i]);
    // Python's (5) is a number, (5,) a tuple.
    text.add(shape.size() == 1 ? "," : "", "), }");
    constexpr std::size_t fixed = 10;  // magic, version, length of the text
    const std::size_t used = std::strlen(text.text), least = fixed + used + 1, size = width == 0 ? (least + 63) / 64 * 64 : width;
    if (size < least || size > start.bytes.size()) return start;
    std::memcpy(start.bytes.data(), "\x93NUMPY\x01\x00", 8);
    start.bytes[8] = static_cast<char>((size - fixed) & 0xFF);
    start.bytes[9] = static_cast<char>((size - fixed) >> 8);
    std::memcpy(start.bytes.data() + fixed, text.text, used);
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
