// preprocessing: the rules by which images become inputs: resize, crop, normalisation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN

/// Where a centre crop begins: at torchvision's round((n - size) / 2), half to even, as in the official evaluation, or at transformers'
/// (n - size) // 2.
enum class crop_rounding : std::uint8_t { official, hf };

/// The filters of Pillow's resize, with its numbers. All but `nearest` widen when they shrink an image (antialias).
enum class resampling : std::uint8_t { nearest = 0, lanczos = 1, bilinear = 2, bicubic = 3, box = 4, hamming = 5 };

namespace detail {
/// The names of the filters, by number.
inline constexpr std::array<const char*, 6> resampling_names{"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"};
}  // namespace detail

constexpr const char* to_string(resampling r) noexcept {
    return r <= resampling::hamming ? detail::resampling_names[static_cast<std::size_t>(r)] : "unknown";
}

/// How images become inputs. preprocessing::for_size(n) is that of the official evaluation at that size; model::load reads one from
/// preprocessor_config.json.
/// @code{.cpp}
/// cvt::preprocessing p = cvt::preprocessing::for_size(224);
/// p.rounding = cvt::crop_rounding::hf;  // crop as transformers does
/// cvt::session session{model, {.preprocessing = p}};
/// @endcode
struct preprocessing {
    enum class resize_rule : std::uint8_t {
        none,        ///< no resizing
        short_side,  ///< short side to `short_side`; the long side becomes int(short_side * long / short) and keeps the ratio
        warp,        ///< to resize_height x resize_width; does not keep the ratio
    };
    resize_rule resize = resize_rule::short_side;
    int short_side = 256;
    int resize_height = 224, resize_width = 224;  ///< of a warp
    resampling resample = resampling::bicubic;
    bool center_crop = true;
    int crop_height = 224, crop_width = 224;  ///< an image that is smaller is padded with black, as by torchvision
    crop_rounding rounding = crop_rounding::official;
    double rescale_factor = 1.0 / 255;  ///< pixels are multiplied by it; 1 / 255 divides by 255, as torchvision's ToTensor does
    bool normalize = true;              ///< (x - mean) / std after that
    int mean_count = 3, std_count = 3;  ///< number of values in the source; checked when an image is preprocessed
    std::array<float, 4> mean{0.485F, 0.456F, 0.406F, 0.F};  ///< of ImageNet
    std::array<float, 4> std{0.229F, 0.224F, 0.225F, 1.F};

    /// Returns the official rule. Below 384: short side to int(size / 0.875), then centre crop. From 384 on: warp without a crop.
    static constexpr preprocessing for_size(int size) noexcept {
        preprocessing p;
        p.center_crop = size < 384;
        p.resize = p.center_crop ? resize_rule::short_side : resize_rule::warp;
        p.short_side = p.center_crop ? static_cast<int>(std::int64_t{size} * 8 / 7) : size;
        p.resize_height = p.resize_width = p.crop_height = p.crop_width = size;
        return p;
    }
};

CVT_NAMESPACE_END
