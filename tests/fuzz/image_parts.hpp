// Splits PNG and JPEG files and joins them with correct lengths and checksums, so that mutants pass the preflight.
#pragma once

#include <cvt/extra/png_preflight.hpp>

#include "fuzz.hpp"

namespace cvt_fuzz {

inline void append_be32(std::string& out, std::size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}
inline std::size_t be(std::string_view text, std::size_t at, std::size_t width) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(text[at + i]);
    return value;
}

struct image_part {
    std::string name, body;  ///< of a JPEG: the two bytes of the marker; the data of a scan are part of its body
};

inline std::vector<image_part> png_parts(std::string_view file) {
    std::vector<image_part> parts;
    for (std::size_t at = 8; file.size() >= 12 && at <= file.size() - 12;) {
        const std::size_t size = be(file, at, 4);
        if (size > file.size() - at - 12) break;
        parts.push_back({std::string{file.substr(at + 4, 4)}, std::string{file.substr(at + 8, size)}});
        at += size + 12;
    }
    return parts;
}

inline std::string png_of(const std::vector<image_part>& parts) {
    std::string file = "\x89PNG\r\n\x1A\n";
    for (const image_part& p : parts) {
        append_be32(file, p.body.size());
        const std::string body = p.name + p.body;
        file += body;
        append_be32(file, cvt::detail::png_crc({reinterpret_cast<const std::uint8_t*>(body.data()), body.size()}));
    }
    return file;
}

/// Makes a zlib stream of stored blocks that decompresses to `raw`.
inline std::string stored_zlib(std::string_view raw) {
    std::string out = "\x78\x01";
    do {
        const std::size_t n = raw.size() < 65535 ? raw.size() : 65535;
        out += static_cast<char>(n == raw.size() ? 1 : 0);
        append_number(out, static_cast<std::uint16_t>(n));
        append_number(out, static_cast<std::uint16_t>(~n));
        out += raw.substr(0, n);
        raw.remove_prefix(n);
    } while (!raw.empty());
    return out + std::string(4, '\0');  // stb_image ignores the checksum
}

inline std::string mutated_png(std::string_view file, dice& d) {
    std::vector<image_part> parts = png_parts(file);
    if (parts.empty()) return {};
    const std::size_t pick = d.below(parts.size());
    switch (d.below(10)) {
        case 0: parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(pick)); break;
        case 1: parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(d.below(parts.size())), parts[pick]); break;
        case 2:  // raw pixels of any size after the header
            for (image_part& p : parts)
                if (p.name == "IDAT") p.body = stored_zlib(mutated(std::string(d.below(600), static_cast<char>(d.below(5))), 64));
            break;
        case 3:  // another colour type, depth or interlacing
            for (image_part& p : parts)
                if (p.name == "IHDR" && p.body.size() == 13) p.body[8 + d.below(5)] = "\0\1\2\3\4\6\x8\x10"[d.below(8)];
            break;
        default: parts[pick].body = mutated(std::move(parts[pick].body), 64); break;
    }
    return png_of(parts);
}

inline std::vector<image_part> jpeg_parts(std::string_view file) {
    std::vector<image_part> parts;
    for (std::size_t at = 2; at + 4 <= file.size();) {
        const std::size_t size = be(file, at + 2, 2);
        if (file[at] != '\xFF' || size < 2 || size > file.size() - at - 2) break;
        parts.push_back({std::string{file.substr(at, 2)}, std::string{file.substr(at + 4, size - 2)}});
        at += 2 + size;
        if (parts.back().name[1] != '\xDA') continue;
        std::size_t end = at;
        while (end + 1 < file.size() &&
               (file[end] != '\xFF' || file[end + 1] == 0 || (static_cast<unsigned char>(file[end + 1]) & 0xF8) == 0xD0))
            ++end;
        parts.push_back({"", std::string{file.substr(at, end - at)}});
        at = end;
    }
    return parts;
}

inline std::string jpeg_of(const std::vector<image_part>& parts) {
    std::string file = "\xFF\xD8";
    for (const image_part& p : parts) {
        if (!p.name.empty()) {
            file += p.name;
            file += static_cast<char>((p.body.size() + 2) >> 8);
            file += static_cast<char>(p.body.size() + 2);
        }
        file += p.body;
    }
    return file + "\xFF\xD9";
}

inline std::string mutated_jpeg(std::string_view file, dice& d) {
    std::vector<image_part> parts = jpeg_parts(file);
    if (parts.empty()) return {};
    const std::size_t pick = d.below(parts.size());
    switch (d.below(8)) {
        case 0: parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(pick)); break;
        case 1: parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(d.below(parts.size())), parts[pick]); break;
        case 2:  // sampling factors
            for (image_part& p : parts)
                if (p.name.size() == 2 && (p.name[1] & '\xF0') == '\xC0' && p.name[1] != '\xC4' && p.body.size() > 8)
                    p.body[7 + 3 * d.below((p.body.size() - 6) / 3)] = "\x11\x21\x12\x22\x41\x14\x44\x42"[d.below(8)];
            break;
        default: parts[pick].body = mutated(std::move(parts[pick].body), 64); break;
    }
    return jpeg_of(parts);
}

}  // namespace cvt_fuzz
