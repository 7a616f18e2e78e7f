// image_preprocessor: makes inputs of images by resizing, cropping and normalising them; plans once for each image size.
#pragma once

#include "../float_bits.hpp"
#include "../tensor.hpp"
#include "input_size.hpp"
#include "resize.hpp"

CVT_NAMESPACE_BEGIN
namespace detail {

inline error check_values(const preprocessing& p) noexcept {
    const float factor = static_cast<float>(p.rescale_factor);
    if (!is_finite(factor) || !is_finite(factor * 255.F) || !(factor > 0))
        return error::format(errc::invalid_argument, "preprocessing.rescale_factor: expected a finite number above zero, found %g",
                             p.rescale_factor);
    if (!p.normalize) return {};
    if (p.mean_count != 3 || p.std_count != 3)
        return error::format(errc::invalid_argument, "preprocessing: expected a mean and a std of 3 values for RGB images, found %d and %d",
                             p.mean_count, p.std_count);
    for (std::size_t c = 0; c < 3; ++c) {
        if (!is_finite(p.mean[c]))
            return error::format(errc::invalid_argument, "preprocessing.mean[%d] is not a finite number", static_cast<int>(c));
        if (!is_finite(p.std[c]) || magnitude_bits(p.std[c]) == 0)
            return error::format(errc::invalid_argument, "preprocessing.std[%d]: expected a finite number other than zero",
                                 static_cast<int>(c));
    }
    return {};
}

/// The values of one channel's 256 pixels in float32: (p / 255 - mean) / std, rounded after each step as torchvision does it. Another
/// factor than 1 / 255 multiplies in double, as in transformers. The volatile steps keep -ffast-math from merging the divisions.
using value_table = std::array<float, 256>;
inline void fill_table(value_table& table, const preprocessing& p, std::size_t channel) noexcept {
    const bool divides = p.rescale_factor == preprocessing{}.rescale_factor;
    for (std::size_t i = 0; i < table.size(); ++i) {
        volatile float v = static_cast<float>(i);
        volatile float divisor = 255.F;
        if (divides)
            v = v / divisor;
        else
            v = static_cast<float>(exact(static_cast<double>(i) * p.rescale_factor));
        if (p.normalize) {
            divisor = p.std[channel];
            v = v - p.mean[channel];
            v = v / divisor;
        }
        table[i] = v;
    }
}

}  // namespace detail

/// Makes inputs of images. Resizing is Pillow's on 8-bit RGB, bit for bit; crop and values are those of torchvision's CenterCrop,
/// ToTensor and Normalize. Tables that depend on the preprocessing alone are computed once. Those that depend on the size of the image
/// are computed once for consecutive images of the same size. Memory grows to what the largest image so far needed, and no further. Only
/// one thread may use an object at a time. A moved-from object may only be assigned to or destroyed.
/// @code{.cpp}
/// cvt::image_preprocessor preprocessor{model.preprocessing()};
/// cvt::result<cvt::grid> size = preprocessor.plan(photo.width, photo.height);
/// if (!size) return report(size.error());
/// std::vector<float> input(3 * static_cast<std::size_t>(size->tokens()));
/// const cvt::view<float, 3> tensor{input.data(), 3, size->height, size->width};
/// if (cvt::error e = preprocessor.run(photo, tensor)) return report(e);
/// @endcode
class image_preprocessor {
public:
    explicit image_preprocessor(const cvt::preprocessing& p) noexcept : preprocessing_{p} {}

    /// Returns the height and width of the input that an image of this size becomes, as output_size() does, and keeps the plan for run().
    /// Allocates nothing. Errors: those of output_size(); the previous plan then stays.
    result<grid> plan(int image_width, int image_height) noexcept {
        if (windows_.x.out == 0 || image_width != image_width_ || image_height != image_height_) {
            const result<detail::image_windows> windows = detail::plan_windows(preprocessing_, image_width, image_height);
            if (!windows) return windows.error();
            windows_ = *windows;
            image_width_ = image_width;
            image_height_ = image_height;
            passes_ready_ = false;
        }
        return grid{windows_.y.out, windows_.x.out};
    }

    /// Resizes, crops and normalises one image into `out`, (3, height, width) of exactly the size that plan() gives for
    /// it. Plans first if the previous image had another size. Resizes only what the crop keeps. Errors: bad_image (no pixels;
    /// wrong channels, stride or size), invalid_argument (the preprocessing or `out`), out_of_memory.
    error run(const image_view& image, view<float, 3> out) noexcept {
        const result<grid> size = plan(image.width, image.height);
        if (!size) return size.error();
        if (error e = detail::check_pixels(image)) return e;
        if (error e = prepare_tables()) return e;
        if (out.data() == nullptr || out.extent(0) != 3 || out.extent(1) != size->height || out.extent(2) != size->width)
            return error::format(errc::invalid_argument, "preprocessed image: expected [3, %d, %d], found [%lld, %lld, %lld]%s",
                                 size->height, size->width, static_cast<long long>(out.extent(0)), static_cast<long long>(out.extent(1)),
                                 static_cast<long long>(out.extent(2)), out.data() == nullptr ? " without data" : "");
        if (error e = prepare_passes()) return e;
        const int planes = image.channels == 1 ? 1 : 3;
        const std::uint64_t bytes = plane_size_ * static_cast<std::uint64_t>(planes);
        if (!planes_.resize(bytes)) return error::out_of_memory("resized image", bytes);

        horizontal_pass(image, planes);
        for (int c = 0; c < 3; ++c) vertical_pass(plane(planes == 1 ? 0 : c), tables_[static_cast<std::size_t>(c)], out[c]);
        return {};
    }

    [[nodiscard]] const cvt::preprocessing& preprocessing() const noexcept { return preprocessing_; }

private:
    /// Computes what depends on the preprocessing alone.
    error prepare_tables() noexcept {
        if (tables_ready_) return {};
        if (error e = detail::check_values(preprocessing_)) return e;
        for (std::size_t c = 0; c < 3; ++c) detail::fill_table(tables_[c], preprocessing_, c);
        tables_ready_ = true;
        return {};
    }

    /// Computes what depends on the size of the image, except the planes: their number depends on its channels.
    error prepare_passes() noexcept {
        if (passes_ready_) return {};
        const detail::axis_window &x = windows_.x, &y = windows_.y;
        if (error e = columns_.plan(image_width_, x.resized, x.begin, x.end, preprocessing_.resample)) return e;
        if (error e = rows_.plan(image_height_, y.resized, y.begin, y.end, preprocessing_.resample)) return e;
        plane_stride_ = (static_cast<std::size_t>(x.kept()) + 15) / 16 * 16;
        plane_size_ = std::uint64_t{plane_stride_} * static_cast<std::uint64_t>(rows_.end - rows_.begin);
        const auto line_capacity = static_cast<std::size_t>(columns_.end - columns_.begin) + static_cast<std::size_t>(columns_.count);
        if (!line_.resize(line_capacity) || !sums_.resize(plane_stride_) || !resized_.resize(plane_stride_))
            return error::out_of_memory("rows of a resized image",
                                        line_capacity * sizeof(std::int16_t) + plane_stride_ * (sizeof(std::int32_t) + 1));
        std::memset(line_.data(), 0, line_capacity * sizeof(std::int16_t));  // taps that are zero read past the end of the line
        passes_ready_ = true;
        return {};
    }

    [[nodiscard]] std::uint8_t* plane(int c) noexcept {
        return planes_.data() + static_cast<std::size_t>(c) * static_cast<std::size_t>(plane_size_);
    }

    /// Resizes the rows that the vertical pass reads, into one plane for each channel.
    void horizontal_pass(const image_view& image, int planes) noexcept {
        const int width = windows_.x.kept();
        for (int row = rows_.begin; row < rows_.end; ++row) {
            for (int c = 0; c < planes; ++c) {
                std::uint8_t* to = plane(c) + static_cast<std::size_t>(row - rows_.begin) * plane_stride_;
                read_line(image, row, c, columns_.begin, columns_.end, line_.data());
                if (columns_.identity)
                    for (int i = 0; i < width; ++i) to[i] = static_cast<std::uint8_t>(line_[static_cast<std::size_t>(i)]);
                else
                    detail::resize_row(line_.data(), columns_, width, to);
                std::memset(to + width, 0, plane_stride_ - static_cast<std::size_t>(width));
            }
        }
    }

    /// Makes one channel of the input: resizes the columns of a plane, pads and normalises.
    void vertical_pass(const std::uint8_t* rows, const detail::value_table& table, view<float, 2> out) noexcept {
        const detail::axis_window &x = windows_.x, &y = windows_.y;
        const int width = x.kept();
        for (int row = 0; row < y.out; ++row) {
            float* to = &out(row, 0);
            const int kept_row = row - y.offset;
            const bool is_kept = kept_row >= 0 && kept_row < y.kept();
            if (!is_kept || width < x.out)
                for (int i = 0; i < x.out; ++i) to[i] = table[0];
            if (!is_kept) continue;
            const std::uint8_t* pixels = rows + static_cast<std::size_t>(kept_row) * plane_stride_;
            if (!rows_.identity) {
                detail::resize_column(rows, plane_stride_, rows_, kept_row, sums_.data(), resized_.data());
                pixels = resized_.data();
            }
            for (int i = 0; i < width; ++i) to[x.offset + i] = table[pixels[i]];
        }
    }

    /// Channel `c` (red, green, blue) of row `y`, columns [begin, end), widened to 16 bits.
    static void read_line(const image_view& image, int y, int c, int begin, int end, std::int16_t* out) noexcept {
        const std::ptrdiff_t stride = image.row_stride != 0 ? image.row_stride : std::ptrdiff_t{image.width} * image.channels;
        if (image.order == channel_order::bgr && image.channels != 1) c = 2 - c;
        const std::uint8_t* from = image.data + y * stride + std::ptrdiff_t{begin} * image.channels + c;
        const std::ptrdiff_t count = end - begin;
        if (image.channels == 1)
            for (std::ptrdiff_t x = 0; x < count; ++x) out[x] = from[x];
        else if (image.channels == 3)
            for (std::ptrdiff_t x = 0; x < count; ++x) out[x] = from[3 * x];
        else
            for (std::ptrdiff_t x = 0; x < count; ++x) out[x] = from[4 * x];
    }

    cvt::preprocessing preprocessing_;
    bool tables_ready_ = false;
    std::array<detail::value_table, 3> tables_{};

    int image_width_ = 0, image_height_ = 0;  ///< of the planned image
    detail::image_windows windows_;           ///< x.out is 0 before the first plan
    bool passes_ready_ = false;               ///< whether the following members belong to that plan
    detail::resize_taps columns_, rows_;
    std::size_t plane_stride_ = 0;
    std::uint64_t plane_size_ = 0;
    detail::buffer<std::int16_t> line_;    ///< one channel of one row of the image
    detail::buffer<std::uint8_t> planes_;  ///< the image after the horizontal pass, one plane for each channel
    detail::buffer<std::int32_t> sums_;
    detail::buffer<std::uint8_t> resized_;  ///< one row after both passes
};

/// Preprocesses a single image: plans, allocates and frees everything again. For several images, keep an image_preprocessor.
inline error preprocess(const image_view& image, const preprocessing& p, view<float, 3> out) noexcept {
    return image_preprocessor{p}.run(image, out);
}

CVT_NAMESPACE_END
