// The table of codecs, in the unit that holds the decoders. Included by decode.hpp.
#pragma once

#include "bmp_backend.hpp"
#include "decoder.hpp"
#include "gif_backend.hpp"
#include "heif_backend.hpp"
#include "pnm_backend.hpp"
#include "tiff_backend.hpp"
#include "webp_backend.hpp"
#if defined(CVT_WITH_SYSTEM_CODECS)
#include "system_backend.hpp"
namespace cvt_jpeg_png = cvt_system;
#else
#include "stb_backend.hpp"
namespace cvt_jpeg_png = cvt_stb;
#endif

// Not `inline`: each unit that includes this file has its own tables, because it may have other codecs.
namespace cvt_codecs {

constexpr cvt_codec codecs[] {
    cvt_jpeg_png::jpeg, cvt_jpeg_png::png,
#if defined(CVT_WITH_WEBP)
        cvt_webp::codec,
#endif
#if defined(CVT_WITH_HEIF)
        cvt_heif::heic, cvt_heif::avif,
#endif
#if defined(CVT_WITH_GIF)
        cvt_gif::codec,
#endif
#if defined(CVT_WITH_TIFF)
        cvt_tiff::codec,
#endif
        cvt_bmp::codec, cvt_pnm::codec,
};

constexpr cvt_decoder decoder{cvt_jpeg_png::name, codecs, sizeof codecs / sizeof *codecs,
                              [](unsigned char* pixels) noexcept { std::free(pixels); }};

}  // namespace cvt_codecs
