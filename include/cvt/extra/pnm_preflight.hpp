// Checks the header of a PNM file (PBM, PGM, PPM, as text or bytes): size, largest value, and whether the file is long enough.
#pragma once

#include "image_preflight.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

struct pnm_layout : picture_facts {
    unsigned max = 1;  ///< the value of white
    bool text = false, bitmap = false;
    std::size_t pixels = 0;  ///< position of the first
};

inline bool is_pnm_space(unsigned c) noexcept { return c == ' ' || (c >= 9 && c <= 13); }

/// Reads decimal numbers between spaces and comments.
struct pnm_scanner {
    file_bytes file;
    std::size_t at = 0;

    void skip() noexcept {
        for (bool comment = false; at < file.size(); ++at) {
            const unsigned c = file[at];
            if (comment)
                comment = c != '\n' && c != '\r';
            else if (c == '#')
                comment = true;
            else if (!is_pnm_space(c))
                return;
        }
    }
    /// A number up to 65,535; -1 for anything else.
    int number() noexcept {
        skip();
        if (at == file.size() || file[at] < '0' || file[at] > '9') return -1;
        int value = 0;
        for (; at < file.size() && file[at] >= '0' && file[at] <= '9'; ++at)
            if (value <= 65535) value = value * 10 + (file[at] - '0');
        return value <= 65535 && (at == file.size() || is_pnm_space(file[at]) || file[at] == '#') ? value : -1;
    }
};

/// Reads the header, for the preflight and for the codec. `f` is_pnm. Errors: malformed, bad_image (size).
inline error find_pnm_layout(file_bytes f, const decode_limits& limits, pnm_layout& p) noexcept {
    const unsigned kind = f[1] - '0';
    p.text = kind <= 3;
    p.bitmap = kind == 1 || kind == 4;
    p.channels = kind == 3 || kind == 6 ? 3 : 1;
    pnm_scanner scan{f, 2};
    const int width = scan.number(), height = scan.number(), max = p.bitmap ? 1 : scan.number();
    if (width < 0 || height < 0 || max < 1) return error::format(errc::malformed, "PNM: expected numbers up to 65535 after P%u", kind);
    if (error e = set_picture_size(width, height, limits, p)) return e;
    p.max = static_cast<unsigned>(max);
    if (scan.at < f.size()) ++scan.at;  // one space
    p.pixels = scan.at;
    const std::uint64_t across = static_cast<std::uint64_t>(width * p.channels), down = static_cast<std::uint64_t>(height);
    const std::uint64_t need = p.text ? across * down : p.bitmap ? (across + 7) / 8 * down : across * down * (p.max > 255 ? 2 : 1);
    if (need > f.size() - p.pixels)
        return error::format(errc::malformed, "PNM is truncated: %zu bytes after its header, at least %llu expected for %d x %d pixels",
                             f.size() - p.pixels, static_cast<unsigned long long>(need), width, height);
    return {};
}

inline bool is_pnm(file_bytes f) noexcept {
    return f.size() > 2 && f[0] == 'P' && f[1] >= '1' && f[1] <= '6' && (is_pnm_space(f[2]) || f[2] == '#');
}

}  // namespace detail
CVT_NAMESPACE_END
