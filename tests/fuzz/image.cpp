// Fuzz target: a picture, from bytes through preflight, decoder, orientation, resize and crop to the input of a network.
#include <cvt/extra/decode.hpp>
#include <cvt/image.hpp>

#include "image_parts.hpp"

namespace {

/// The official preprocessing, but with an input of 24 x 24.
cvt::image_preprocessor preprocessor_for(int side) {
    cvt::preprocessing p = cvt::preprocessing::for_size(side);
    p.resize_height = p.resize_width = p.crop_height = p.crop_width = 24;
    return cvt::image_preprocessor{p};
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr cvt::decode_limits limits{1U << 20, 1U << 18};
    const auto file = cvt_fuzz::bytes_of(cvt_fuzz::text_of(data, size));
    cvt_fuzz::memory::begin();
    const cvt::result<cvt::image> image = cvt::decode(file, cvt::orientation::exif, limits);
    // Pixels also need memory, up to the limit that the caller sets.
    cvt_fuzz::memory::finish(size + 3 * limits.max_pixels, 16);
    if (!image) return cvt_fuzz::refused(image.error());
    const auto pixels = static_cast<std::size_t>(image->width) * static_cast<std::size_t>(image->height);
    cvt_fuzz::require(pixels <= limits.max_pixels && image->pixels.size() == 3 * pixels, "an image whose size does not match its pixels");
    std::size_t sum = 0;
    for (const std::uint8_t p : image->pixels) sum += p;
    cvt_fuzz::require(sum <= 255 * 3 * pixels, "pixels that were not written");

    // Reused for all pictures: data from one must not affect the next.
    static cvt::image_preprocessor preprocessors[]{preprocessor_for(24), preprocessor_for(384)};
    for (cvt::image_preprocessor& preprocessor : preprocessors) {
        static float out[3 * 24 * 24];
        cvt_fuzz::require(!preprocessor.run(image->view(), cvt::view<float, 3>{out, 3, 24, 24}), "a decoded image that cannot be resized");
    }
    return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
    cvt_fuzz::dice d{seed};
    const std::string_view file = cvt_fuzz::text_of(data, size);
    if (d.below(6) == 0) return LLVMFuzzerMutate(data, size, max_size);
    return cvt_fuzz::replace(data, size, max_size,
                             file.starts_with("\x89PNG") ? cvt_fuzz::mutated_png(file, d) : cvt_fuzz::mutated_jpeg(file, d));
}
