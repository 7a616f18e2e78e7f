// Recipes: sizes, resizing and cropping, EXIF, and parts of a picture.
#include "recipes.hpp"

#include <algorithm>
#include <cvt/extra/decode.hpp>

// recipe: preprocessing
cvt::preprocessing as_transformers(int size) {
    cvt::preprocessing p = cvt::preprocessing::for_size(size);  // as the official evaluation, with ImageNet's mean and std
    p.rounding = cvt::crop_rounding::hf;                        // where an odd number of pixels is cut
    return p;
}

cvt::preprocessing warped(int height, int width) {
    cvt::preprocessing p;
    p.resize = cvt::preprocessing::resize_rule::warp;
    p.resize_height = height;
    p.resize_width = width;
    p.center_crop = false;
    return p;
}
// end

// recipe: any size
cvt::preprocessing whole_photo(int short_side) {
    cvt::preprocessing p;
    p.resize = cvt::preprocessing::resize_rule::short_side;  // keeps the aspect ratio and crops nothing
    p.short_side = short_side;
    p.center_crop = false;
    return p;
}

cvt::preprocessing untouched_pixels() {
    cvt::preprocessing p;
    p.resize = cvt::preprocessing::resize_rule::none;
    p.center_crop = false;
    return p;
}

cvt::result<cvt::grid> input_of_photo(const cvt::model& model, const cvt::preprocessing& how, int photo_width, int photo_height) {
    const auto input = cvt::output_size(how, photo_width, photo_height);
    if (!input) return input.error();
    const int least = cvt::minimum_input(model.config());
    if (std::min(input->height, input->width) < least)
        return cvt::error::format(cvt::errc::bad_image, "a photo of %d x %d is too small: at least %d pixels per side", photo_width,
                                  photo_height, least);
    return *input;
}
// end

// recipe: exif
cvt::error classify_as_stored(cvt::session& session, const char* path, std::span<float> logits) {
    const auto photo = cvt::read_image(path, cvt::orientation::ignore);  // exif would turn it as viewers do
    if (!photo) return photo.error();
    return session.classify(photo->view(), logits);
}
// end

// recipe: part of a picture
cvt::image_view part_of(const cvt::image_view& image, int left, int top, int width, int height) {
    const std::ptrdiff_t row = image.row_stride != 0 ? image.row_stride : std::ptrdiff_t{image.width} * image.channels;
    return {image.data + top * row + std::ptrdiff_t{left} * image.channels, width, height, image.channels, row, image.order};
}
// end
