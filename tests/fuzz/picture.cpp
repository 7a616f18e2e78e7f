// Fuzz target: a picture of the format CVT_FUZZ_FORMAT, other than JPEG and PNG, through the preflight and its library.
#include <cvt/extra/decode.hpp>

#include "fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr cvt::decode_limits limits{1U << 20, 1U << 18};
    const cvt::detail::picture_format* const format = cvt::detail::find_format({data, size});
    if (format == nullptr || std::strcmp(format->name, CVT_FUZZ_FORMAT) != 0) return 0;
    const auto file = cvt_fuzz::bytes_of(cvt_fuzz::text_of(data, size));
    cvt_fuzz::memory::begin();
    const cvt::result<cvt::image> image = cvt::decode(file, cvt::orientation::exif, limits);
    // As in image.cpp; SECURITY.md lists the additional memory of each library.
    cvt_fuzz::memory::finish(size + 3 * limits.max_pixels + (CVT_FUZZ_BEYOND << 20) / 16, 16);
    if (!image) return cvt_fuzz::refused(image.error());
    const auto pixels = static_cast<std::size_t>(image->width) * static_cast<std::size_t>(image->height);
    cvt_fuzz::require(pixels <= limits.max_pixels && image->pixels.size() == 3 * pixels, "an image whose size does not match its pixels");
    std::size_t sum = 0;
    for (const std::uint8_t p : image->pixels) sum += p;
    cvt_fuzz::require(sum <= 255 * 3 * pixels, "pixels that were not written");
    return 0;
}
