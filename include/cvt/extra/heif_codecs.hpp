// Plugins of libheif for HEVC (libde265) and AV1 (dav1d), because libheif's own start threads and have no limits. Included by
// heif_backend.hpp.
#pragma once
#if defined(CVT_WITH_HEIF)

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <new>

#include <dav1d/dav1d.h>
#include <libde265/de265.h>
#include <libheif/heif.h>
#include <libheif/heif_plugin.h>

#include "av1_gate.hpp"
#include "hevc_gate.hpp"

namespace cvt_heif {

/// Largest coded picture, in pixels, that the preflight found in the file being decoded on this thread; 0 at other times.
inline thread_local std::uint64_t allowed_area = 0;

inline heif_error fine() noexcept { return {heif_error_Ok, heif_suberror_Unspecified, "success"}; }
inline heif_error failed(const char* why) noexcept { return {heif_error_Decoder_plugin_error, heif_suberror_Unspecified, why}; }

/// A decoded picture of either library.
struct planes {
    int width, height, bits;
    heif_chroma chroma;
    int primaries, transfer, matrix;
    bool full_range;
    const void* data[3]{};
    std::ptrdiff_t stride[3]{};
};
/// In the order in which both libraries number them.
inline constexpr heif_chroma chroma_formats[]{heif_chroma_monochrome, heif_chroma_420, heif_chroma_422, heif_chroma_444};

/// Copies the picture into a new image of libheif.
inline heif_error copy(const planes& p, heif_image** out) noexcept {
    const bool grey = p.chroma == heif_chroma_monochrome;
    heif_image* image = nullptr;
    heif_error e = heif_image_create(p.width, p.height, grey ? heif_colorspace_monochrome : heif_colorspace_YCbCr, p.chroma, &image);
    if (e.code != heif_error_Ok) return e;
    constexpr heif_channel channels[]{heif_channel_Y, heif_channel_Cb, heif_channel_Cr};
    for (int c = 0; c < (grey ? 1 : 3) && e.code == heif_error_Ok; ++c) {
        const bool half_width = c != 0 && p.chroma != heif_chroma_444, half_height = c != 0 && p.chroma == heif_chroma_420;
        const int width = half_width ? (p.width + 1) / 2 : p.width, height = half_height ? (p.height + 1) / 2 : p.height;
        e = heif_image_add_plane(image, channels[c], width, height, p.bits);
        if (e.code != heif_error_Ok) break;
        int stride = 0;
        std::uint8_t* to = heif_image_get_plane(image, channels[c], &stride);
        const auto* from = static_cast<const std::uint8_t*>(p.data[c]);
        if (to == nullptr || from == nullptr) e = failed("a plane is missing");
        const std::size_t row = static_cast<std::size_t>(width) * (p.bits > 8 ? 2 : 1);
        for (int y = 0; y < height && e.code == heif_error_Ok; ++y)
            std::memcpy(to + static_cast<std::ptrdiff_t>(y) * stride, from + y * p.stride[c], row);
    }
    if (e.code == heif_error_Ok)
        if (heif_color_profile_nclx* color = heif_nclx_color_profile_alloc()) {
            heif_nclx_color_profile_set_color_primaries(color, static_cast<std::uint16_t>(p.primaries));
            heif_nclx_color_profile_set_transfer_characteristics(color, static_cast<std::uint16_t>(p.transfer));
            heif_nclx_color_profile_set_matrix_coefficients(color, static_cast<std::uint16_t>(p.matrix));
            color->full_range_flag = p.full_range ? 1 : 0;
            e = heif_image_set_nclx_color_profile(image, color);
            heif_nclx_color_profile_free(color);
        }
    if (e.code == heif_error_Ok)
        *out = image;
    else
        heif_image_release(image);
    return e;
}

/// The data that libheif pushes before it asks for the picture.
struct av1_decoder {
    Dav1dContext* context = nullptr;
    Dav1dData data{};
};

inline heif_error new_av1(void** out) noexcept {
    Dav1dSettings settings;
    dav1d_default_settings(&settings);
    settings.n_threads = 1;
    settings.max_frame_delay = 1;
    settings.all_layers = 0;
    settings.frame_size_limit = static_cast<unsigned>(allowed_area < 0xFFFFFFFFU ? allowed_area : 0xFFFFFFFFU);
    settings.logger.callback = nullptr;
    auto* d = new (std::nothrow) av1_decoder;
    if (d == nullptr || dav1d_open(&d->context, &settings) != 0) {
        delete d;
        return failed("out of memory");
    }
    *out = d;
    return fine();
}
inline void free_av1(void* decoder) noexcept {
    auto* d = static_cast<av1_decoder*>(decoder);
    dav1d_data_unref(&d->data);
    dav1d_close(&d->context);
    delete d;
}
inline heif_error push_av1(void* decoder, const void* bytes, std::size_t size) noexcept {
    auto* d = static_cast<av1_decoder*>(decoder);
    if (d->data.sz != 0) return failed("AV1 in more than one piece");
    if (size == 0) return failed("an AV1 picture without data");
    if (const char* why = cvt::detail::check_av1_units({static_cast<const std::uint8_t*>(bytes), size})) return failed(why);
    std::uint8_t* to = dav1d_data_create(&d->data, size);
    if (to == nullptr) return failed("out of memory");
    std::memcpy(to, bytes, size);
    return fine();
}
inline heif_error decode_av1(void* decoder, heif_image** out) noexcept {
    auto* d = static_cast<av1_decoder*>(decoder);
    Dav1dPicture picture{};
    while (d->data.sz != 0) {
        const int sent = dav1d_send_data(d->context, &d->data);
        if (sent < 0 && sent != DAV1D_ERR(EAGAIN)) return failed("the AV1 data is damaged");
        const int got = dav1d_get_picture(d->context, &picture);
        if (got == 0) break;
        if (got != DAV1D_ERR(EAGAIN)) return failed("the AV1 data is damaged");
    }
    if (picture.data[0] == nullptr && dav1d_get_picture(d->context, &picture) != 0) return failed("no picture in the AV1 data");
    const Dav1dSequenceHeader& s = *picture.seq_hdr;
    planes p{picture.p.w, picture.p.h, picture.p.bpc, chroma_formats[picture.p.layout], s.pri, s.trc, s.mtrx, s.color_range != 0};
    for (int c = 0; c < 3; ++c) p.data[c] = picture.data[c], p.stride[c] = picture.stride[c == 0 ? 0 : 1];
    const heif_error e = copy(p, out);
    dav1d_picture_unref(&picture);
    return e;
}

/// Refuses memory to an HEVC picture that is larger than the preflight allowed, and to a third picture where one is expected.
struct hevc_decoder {
    de265_decoder_context* context = nullptr;
    std::uint64_t area = allowed_area;
    cvt::detail::hevc_gate gate{allowed_area};
    int pictures = 0;
};

inline int get_hevc_buffer(de265_decoder_context* context, de265_image_spec* spec, de265_image* image, void* user) noexcept {
    auto* d = static_cast<hevc_decoder*>(user);
    if (spec->width < 1 || spec->height < 1 || static_cast<std::uint64_t>(spec->width) * static_cast<std::uint64_t>(spec->height) > d->area)
        return 0;
    if (++d->pictures > 2) return 0;
    return de265_get_default_image_allocation_functions()->get_buffer(context, spec, image, nullptr);
}
inline void release_hevc_buffer(de265_decoder_context* context, de265_image* image, void*) noexcept {
    de265_get_default_image_allocation_functions()->release_buffer(context, image, nullptr);
}

inline heif_error new_hevc(void** out) noexcept {
    auto* d = new (std::nothrow) hevc_decoder;
    if (d != nullptr) d->context = de265_new_decoder();
    if (d == nullptr || d->context == nullptr) {
        delete d;
        return failed("out of memory");
    }
    de265_image_allocation functions{get_hevc_buffer, release_hevc_buffer};
    de265_set_image_allocation_functions(d->context, &functions, d);
    *out = d;
    return fine();
}
inline void free_hevc(void* decoder) noexcept {
    auto* d = static_cast<hevc_decoder*>(decoder);
    de265_free_decoder(d->context);
    delete d;
}
/// Each unit is a length of four bytes, followed by that number of bytes.
inline heif_error push_hevc(void* decoder, const void* bytes, std::size_t size) noexcept {
    auto* d = static_cast<hevc_decoder*>(decoder);
    const auto* from = static_cast<const std::uint8_t*>(bytes);
    while (size >= 4) {
        const std::size_t length = cvt::detail::read_be32({from, size}, 0);
        if (length > size - 4 || length > 0x7FFFFFFF) return failed("the HEVC data ends too soon");
        bool needed = false;
        if (const char* why = d->gate.check({from + 4, length}, needed)) return failed(why);
        if (needed && de265_push_NAL(d->context, from + 4, static_cast<int>(length), 0, nullptr) != DE265_OK)
            return failed("out of memory");
        from += 4 + length, size -= 4 + length;
    }
    return size == 0 ? fine() : failed("the HEVC data ends too soon");
}
inline heif_error decode_hevc(void* decoder, heif_image** out) noexcept {
    auto* d = static_cast<hevc_decoder*>(decoder);
    if (de265_flush_data(d->context) != DE265_OK) return failed("out of memory");
    const de265_image* picture = nullptr;
    for (int more = 1; more != 0 && picture == nullptr;) {
        more = 0;
        const de265_error e = de265_decode(d->context, &more);
        if (e != DE265_OK) return failed(de265_isOK(e) != 0 ? "the HEVC data ends too soon" : de265_get_error_text(e));
        picture = de265_get_next_picture(d->context);
    }
    if (picture == nullptr) return failed("no picture in the HEVC data");
    planes p{de265_get_image_width(picture, 0),
             de265_get_image_height(picture, 0),
             de265_get_bits_per_pixel(picture, 0),
             chroma_formats[de265_get_chroma_format(picture)],
             de265_get_image_colour_primaries(picture),
             de265_get_image_transfer_characteristics(picture),
             de265_get_image_matrix_coefficients(picture),
             de265_get_image_full_range_flag(picture) != 0};
    for (int c = 0; c < (p.chroma == heif_chroma_monochrome ? 1 : 3); ++c) {
        int stride = 0;
        p.data[c] = de265_get_image_plane(picture, c, &stride);
        p.stride[c] = stride;
        if (de265_get_bits_per_pixel(picture, c) != p.bits) return failed("channels of different depths");
    }
    return copy(p, out);
}

/// libheif's first choice for pictures that are decoded here, and never its choice for other code in the program.
template <heif_compression_format Format>
int priority(heif_compression_format f) noexcept {
    return f == Format && allowed_area != 0 ? 1000 : 0;
}
inline const char* av1_name() noexcept { return "dav1d without threads"; }
inline const char* hevc_name() noexcept { return "libde265 without threads"; }
inline void set_strict(void*, int) noexcept {}  // the option is ignored
inline const heif_decoder_plugin av1_plugin{3,        av1_name,   nullptr,    nullptr,    priority<heif_compression_AV1>, new_av1, free_av1,
                                            push_av1, decode_av1, set_strict, "cvt_dav1d"};
inline const heif_decoder_plugin hevc_plugin{
    3, hevc_name, nullptr, nullptr, priority<heif_compression_HEVC>, new_hevc, free_hevc, push_hevc, decode_hevc, set_strict, "cvt_de265"};

}  // namespace cvt_heif
#endif
