// Reads EXIF from a PNG's text chunks: "Raw profile type exif", hexadecimal and usually compressed, written by ImageMagick and old tools.
#pragma once

#include <cstring>

#include "exif.hpp"
#include "image_preflight.hpp"
#include "inflate.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The orientation in "\nexif\n    1234\n4949...": a name, a length, lines of digits. The first directory is at the beginning.
inline int raw_profile_orientation(file_bytes text) noexcept {
    std::size_t at = 0;
    for (int line = 0; line < 3; ++at) {
        if (at == text.size()) return 1;
        line += text[at] == '\n' ? 1 : 0;
    }
    std::uint8_t bytes[2048];
    std::size_t digits = 0;
    for (; at < text.size() && digits < 2 * sizeof bytes; ++at) {
        const unsigned c = text[at];
        if (c == '\n' || c == ' ') continue;
        const unsigned value = c >= '0' && c <= '9' ? c - '0' : (c | 0x20U) >= 'a' && (c | 0x20U) <= 'f' ? (c | 0x20U) - 'a' + 10 : 16;
        if (value == 16) break;
        bytes[digits / 2] = static_cast<std::uint8_t>(digits % 2 == 0 ? value << 4 : bytes[digits / 2] | value);
        ++digits;
    }
    return exif_orientation({bytes, digits / 2});
}

/// Sets the orientation if the text is EXIF. `type` is tEXt, zTXt or iTXt.
inline void read_text_orientation(std::string_view type, file_bytes body, int& orientation) noexcept {
    constexpr std::string_view names[]{{"Raw profile type exif", 22}, {"Raw profile type APP1", 22}};  // with the NUL after them
    if (!starts_with(body, names[0]) && !starts_with(body, names[1])) return;
    file_bytes text = body.subspan(names[0].size());
    bool packed = type == "zTXt";
    if (type == "iTXt") {
        if (text.size() < 2) return;
        packed = text[0] != 0;
        text = text.subspan(2);
        for (int i = 0; i < 2; ++i) {  // a language, and the keyword in it
            const void* end = text.empty() ? nullptr : std::memchr(text.data(), 0, text.size());
            if (end == nullptr) return;
            text = text.subspan(static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - text.data()) + 1);
        }
    } else if (packed) {
        if (text.empty()) return;
        text = text.subspan(1);  // the compression method; only one exists
    }
    std::uint8_t unpacked[4096];
    if (packed) text = {unpacked, inflater{text, unpacked}.size()};
    orientation = raw_profile_orientation(text);
}

}  // namespace detail
CVT_NAMESPACE_END
