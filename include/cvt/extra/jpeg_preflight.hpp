// Checks a JPEG's segments before a codec sees them: tables, frame, scans, end; everything outside the entropy-coded data.
#pragma once

#include "exif.hpp"
#include "image_preflight.hpp"
#include "jpeg_tables.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

/// The marker codes of ISO/IEC 10918-1, table B.1, that are used here.
enum jpeg_marker : unsigned {
    jpeg_sof0 = 0xC0,
    jpeg_sof1 = 0xC1,
    jpeg_sof2 = 0xC2,
    jpeg_dht = 0xC4,
    jpeg_rst0 = 0xD0,
    jpeg_rst7 = 0xD7,
    jpeg_eoi = 0xD9,
    jpeg_sos = 0xDA,
    jpeg_dqt = 0xDB,
    jpeg_dnl = 0xDC,
    jpeg_dri = 0xDD,
    jpeg_app0 = 0xE0,
    jpeg_app1 = 0xE1,
    jpeg_app14 = 0xEE,
    jpeg_app15 = 0xEF,
    jpeg_com = 0xFE,
};

/// State of the walk over the segments.
struct jpeg_walk {
    struct component {
        unsigned id = 0, h = 0, v = 0, quantization = 0;
        bool dc_seen = false;               ///< a scan has had its DC coefficients
        unsigned brought = 0, refined = 0;  ///< coefficients per block in first passes and in refining passes of scans
    };
    component components[4];
    unsigned count = 0;  ///< 0: no frame yet
    bool progressive = false, adobe = false, jfif = false, exif = false;
    unsigned adobe_transform = 0, scans = 0;
    unsigned h_max = 0, v_max = 0;  ///< largest sampling factors
    std::uint64_t fewest_bits = 0;  ///< of the current scan
    bool quantization[4] = {};
    unsigned huffman[2] = {};  ///< DC and AC tables, a bit for each id
};

inline error jpeg_error(const char* what, std::size_t at) noexcept {
    return error::format(errc::malformed, "JPEG: %s at byte %zu", what, at);
}

inline error check_jpeg_quantization(file_bytes body, std::size_t at, jpeg_walk& walk) noexcept {
    while (!body.empty()) {
        const unsigned wide = body[0] >> 4, id = body[0] & 15U;
        const std::size_t size = 1 + 64 * (std::size_t{wide} + 1);
        if (wide > 1 || id > 3 || body.size() < size) return jpeg_error("invalid quantisation table", at);
        walk.quantization[id] = true;
        body = body.subspan(size);
    }
    return {};
}

/// Maximum number of scans in a file; a progressive photo has about ten. Each costs a pass over the whole image.
inline constexpr unsigned max_jpeg_scans = 100;
/// Maximum numbers of coefficients that scans may visit in a component. The standard has one first pass (here 2, because decoders
/// allow it) and one pass for each of 13 further bits. Every pass costs time, however short the scan's data is.
inline constexpr unsigned max_jpeg_brought = 2 * 64, max_jpeg_refined = 13 * 64;

/// The counts must describe a prefix code of at most 256 symbols; otherwise stb_image 2.27 writes beyond its arrays.
inline error check_jpeg_huffman(file_bytes body, std::size_t at, jpeg_walk& walk) noexcept {
    while (!body.empty()) {
        const unsigned type = body[0] >> 4, id = body[0] & 15U;
        if (type > 1 || id > 3 || body.size() < 17) return jpeg_error("wrong Huffman table", at);
        std::size_t symbols = 0;
        unsigned code = 0;
        for (unsigned length = 1; length <= 16; ++length) {
            const unsigned count = body[length];
            symbols += count;
            code += count;
            if (code > 1U << length) return jpeg_error("Huffman codes that do not fit their lengths", at);
            code <<= 1;
        }
        if (symbols > 256 || body.size() < 17 + symbols) return jpeg_error("Huffman table with too many symbols", at);
        for (std::size_t i = 0; i < symbols && type == 0; ++i)
            if (body[17 + i] > 15) return jpeg_error("impossible size in a DC Huffman table", at);
        walk.huffman[type] |= 1U << id;
        body = body.subspan(17 + symbols);
    }
    return {};
}

/// Frames of MJPEG have no Huffman tables; the standard's (ISO/IEC 10918-1, annex K.3) are inserted before the first scan.
inline void add_jpeg_tables(std::size_t at, jpeg_walk& walk, file_facts& facts) noexcept {
    if (walk.huffman[0] != 0 || walk.huffman[1] != 0 || walk.progressive || walk.scans != 0) return;
    static_assert(sizeof jpeg_standard_tables + 16 <= sizeof facts.patch.bytes);  // and an Adobe segment
    facts.patch.at = at;
    facts.patch.count = sizeof jpeg_standard_tables;
    std::memcpy(facts.patch.bytes, jpeg_standard_tables, sizeof jpeg_standard_tables);
    walk.huffman[0] = walk.huffman[1] = 3;  // ids 0 and 1
}

inline error check_jpeg_frame(file_bytes body, std::size_t at, unsigned marker, const decode_limits& limits, jpeg_walk& walk,
                              file_facts& facts) noexcept {
    if (walk.count != 0) return jpeg_error("a second frame", at);
    if (body.size() < 6) return jpeg_error("frame header too short", at);
    if (body[0] != 8) return error::format(errc::unsupported, "JPEG: %u bits per sample, expected 8", body[0]);
    if (error e = set_picture_size(read_be16(body, 3), read_be16(body, 1), limits, facts)) return e;
    const unsigned count = body[5];
    if (count != 1 && count != 3 && count != 4) return error::format(errc::unsupported, "JPEG: %u components, expected 1, 3 or 4", count);
    if (body.size() != 6 + 3 * std::size_t{count}) return jpeg_error("frame header of the wrong length", at);
    for (unsigned i = 0; i < count; ++i) {
        const std::size_t from = 6 + 3 * std::size_t{i};
        jpeg_walk::component& c = walk.components[i];
        c = {.id = body[from], .h = body[from + 1] / 16U, .v = body[from + 1] % 16U, .quantization = body[from + 2]};
        if (c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.quantization > 3) return jpeg_error("impossible component", at);
        for (unsigned other = 0; other < i; ++other)
            if (walk.components[other].id == c.id) return jpeg_error("two components have the same id", at);
        walk.h_max = c.h > walk.h_max ? c.h : walk.h_max;
        walk.v_max = c.v > walk.v_max ? c.v : walk.v_max;
    }
    for (unsigned i = 0; i < count; ++i)
        if (walk.h_max % walk.components[i].h != 0 || walk.v_max % walk.components[i].v != 0)
            return error::format(errc::unsupported, "JPEG: sampling factors that are not whole ratios");
    walk.count = count;
    walk.progressive = marker == jpeg_sof2;
    return {};
}

/// Minimum number of bits in a scan's data: one for each block's DC code and, in a baseline file, one for its AC codes. A header must
/// not announce millions of pixels without data.
inline std::uint64_t fewest_jpeg_bits(const jpeg_walk& walk, const jpeg_walk::component& c, bool alone, const file_facts& facts) noexcept {
    const auto blocks = [alone](int size, unsigned factor, unsigned max) noexcept {
        const std::uint64_t pixels = static_cast<std::uint64_t>(size), unit = std::uint64_t{8} * max;
        if (!alone) return (pixels + unit - 1) / unit * factor;
        return ((pixels * factor + max - 1) / max + 7) / 8;
    };
    return blocks(facts.width, c.h, walk.h_max) * blocks(facts.height, c.v, walk.v_max) * (walk.progressive ? 1 : 2);
}

inline error check_jpeg_scan(file_bytes body, std::size_t at, jpeg_walk& walk, const file_facts& facts) noexcept {
    if (walk.count == 0) return jpeg_error("a scan without a frame", at);
    const unsigned count = body.empty() ? 0 : body[0];
    if (count < 1 || count > walk.count || body.size() != 4 + 2 * std::size_t{count}) return jpeg_error("wrong scan header", at);
    if (++walk.scans > max_jpeg_scans) return error::format(errc::unsupported, "JPEG: more than %u scans", max_jpeg_scans);
    walk.fewest_bits = 0;
    const std::size_t tail = 1 + 2 * std::size_t{count};
    const unsigned first = body[tail], last = body[tail + 1], high = body[tail + 2] >> 4, low = body[tail + 2] & 15U;
    if (!walk.progressive && (first != 0 || (last != 63 && last != 0) || high != 0 || low != 0)) return jpeg_error("wrong scan header", at);
    if (walk.progressive && (first > last || last > 63 || high > 13 || low > 13 || (first == 0 && last != 0) || (first != 0 && count != 1)))
        return jpeg_error("wrong progressive scan header", at);
    const bool needs_dc = !walk.progressive || (first == 0 && high == 0), needs_ac = !walk.progressive || first != 0;
    for (unsigned i = 0; i < count; ++i) {
        const std::size_t from = 1 + 2 * std::size_t{i};
        jpeg_walk::component* c = nullptr;
        for (unsigned k = 0; k < walk.count; ++k)
            if (walk.components[k].id == body[from]) c = &walk.components[k];
        for (unsigned k = 0; k < i; ++k)
            if (body[1 + 2 * std::size_t{k}] == body[from]) return jpeg_error("a component is listed twice in one scan", at);
        const unsigned dc = body[from + 1] >> 4, ac = body[from + 1] & 15U;
        if (c == nullptr || dc > 3 || ac > 3) return jpeg_error("a scan of an unknown component or table", at);
        if (!walk.quantization[c->quantization] || (needs_dc && (walk.huffman[0] >> dc & 1) == 0) ||
            (needs_ac && (walk.huffman[1] >> ac & 1) == 0))
            return jpeg_error("a scan without its tables", at);
        if (walk.progressive && !needs_dc && !c->dc_seen) return jpeg_error("a scan that refines nothing", at);
        c->dc_seen = c->dc_seen || needs_dc;
        (high == 0 ? c->brought : c->refined) += walk.progressive ? last - first + 1 : 64;
        if (c->brought > max_jpeg_brought || c->refined > max_jpeg_refined)
            return error::format(errc::unsupported, "JPEG: too many scans of component %td", c - walk.components + 1);
        if (first == 0) walk.fewest_bits += fewest_jpeg_bits(walk, *c, count == 1, facts);
    }
    return {};
}

inline void read_jpeg_application(file_bytes body, unsigned marker, jpeg_walk& walk, file_facts& facts) noexcept {
    if (marker == jpeg_app14 && body.size() >= 12 && starts_with(body, "Adobe")) {
        walk.adobe = true;
        walk.adobe_transform = body[11];
    }
    if (marker == jpeg_app0 && starts_with(body, std::string_view{"JFIF\0", 5})) walk.jfif = true;
    if (marker == jpeg_app1 && !walk.exif && starts_with(body, std::string_view{"Exif\0\0", 6})) {
        walk.exif = true;
        facts.orientation = exif_orientation(body.subspan(6));
    }
}

/// Four components are CMYK or YCCK with or without an Adobe segment, as in libjpeg; stb_image interprets any transform but 0 and 2
/// differently. Therefore an Adobe segment is inserted that both interpret in the same way.
inline void patch_jpeg_cmyk(std::size_t at, const jpeg_walk& walk, file_facts& facts) noexcept {
    if (walk.count != 4 || walk.scans > 1) return;
    const std::uint8_t transform = walk.adobe && walk.adobe_transform != 0 ? 2 : 0;
    const std::uint8_t segment[]{0xFF, jpeg_app14, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, transform};
    facts.patch.at = at;
    std::memcpy(facts.patch.bytes + facts.patch.count, segment, sizeof segment);  // after the tables, if they are missing too
    facts.patch.count += sizeof segment;
}

/// stb_image always interprets components named R, G and B as RGB. libjpeg interprets them as YCbCr if there is a JFIF segment or an
/// Adobe segment with that transform. A file that the two decoders would read differently is refused.
inline error check_jpeg_colors(const jpeg_walk& walk) noexcept {
    const jpeg_walk::component* c = walk.components;
    const bool named_rgb = walk.count == 3 && c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B';
    if (!named_rgb || (!walk.jfif && (!walk.adobe || walk.adobe_transform == 0))) return {};
    return error::format(errc::unsupported, "JPEG: its components are named R, G and B, but declared as YCbCr");
}

/// Position after the entropy-coded data that begin at `at`: a marker other than a restart, or the end of the file.
inline std::size_t skip_jpeg_entropy(file_bytes f, std::size_t at) noexcept {
    while (at < f.size()) {
        const void* found = std::memchr(f.data() + at, 0xFF, f.size() - at);
        if (found == nullptr) return f.size();
        at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - f.data());
        std::size_t code = at + 1;
        while (code < f.size() && f[code] == 0xFF) ++code;
        if (code == f.size()) return f.size();
        if (f[code] != 0 && (f[code] < jpeg_rst0 || f[code] > jpeg_rst7)) return at;
        at = code + 1;
    }
    return f.size();
}

inline bool is_jpeg(file_bytes f) noexcept { return starts_with(f, "\xFF\xD8\xFF"); }

/// `f` begins with FF D8. Errors: malformed, unsupported, bad_image (size).
inline error preflight_jpeg(file_bytes f, const decode_limits& limits, file_facts& facts) noexcept {
    jpeg_walk walk;
    std::size_t at = 2;
    const auto truncated = [&] {
        return error::format(errc::malformed, "JPEG is truncated: the file ends at byte %zu without an end-of-image marker", f.size());
    };
    while (true) {
        const std::size_t segment = at;
        if (at >= f.size()) return truncated();
        if (f[at] != 0xFF) return jpeg_error("expected a marker", at);
        while (at < f.size() && f[at] == 0xFF) ++at;
        if (at >= f.size()) return truncated();
        const unsigned marker = f[at++];
        if (marker == jpeg_eoi) break;
        if (f.size() - at < 2) return truncated();
        const std::size_t length = read_be16(f, at);
        if (length < 2) return jpeg_error("segment without a length", segment);
        if (length > f.size() - at) return truncated();
        const file_bytes body = f.subspan(at + 2, length - 2);
        at += length;
        if (marker == jpeg_dqt) {
            if (error e = check_jpeg_quantization(body, segment, walk)) return e;
        } else if (marker == jpeg_dht) {
            if (error e = check_jpeg_huffman(body, segment, walk)) return e;
        } else if (marker == jpeg_sof0 || marker == jpeg_sof1 || marker == jpeg_sof2) {
            if (error e = check_jpeg_frame(body, segment, marker, limits, walk, facts)) return e;
        } else if (marker == jpeg_sos) {
            add_jpeg_tables(segment, walk, facts);
            if (error e = check_jpeg_scan(body, segment, walk, facts)) return e;
            if (error e = check_jpeg_colors(walk)) return e;
            patch_jpeg_cmyk(segment, walk, facts);
            const std::size_t data = at;
            at = skip_jpeg_entropy(f, at);
            if (std::uint64_t{8} * (at - data) < walk.fewest_bits)
                return error::format(errc::malformed, "JPEG is truncated: %zu bytes of data after byte %zu for %d x %d pixels", at - data,
                                     data, facts.width, facts.height);
        } else if (marker == jpeg_dri || marker == jpeg_dnl) {
            if (length != 4) return jpeg_error("segment of the wrong length", segment);
        } else if (marker >= jpeg_app0 && marker <= jpeg_app15) {
            read_jpeg_application(body, marker, walk, facts);
        } else if (marker >= jpeg_sof0 && marker <= 0xCF) {
            return error::format(errc::unsupported, "JPEG: lossless, hierarchical or arithmetic coding (marker FF%02X) is not supported",
                                 marker);
        } else if (marker != jpeg_com) {
            return error::format(errc::malformed, "JPEG: unexpected marker FF%02X at byte %zu", marker, segment);
        }
    }
    for (unsigned i = 0; i < walk.count; ++i)
        if (!walk.components[i].dc_seen) return error::format(errc::malformed, "JPEG: component %u is in no scan", i + 1);
    if (walk.count == 0) return error::format(errc::malformed, "JPEG: no image before the end marker");
    return {};
}

}  // namespace detail
CVT_NAMESPACE_END
