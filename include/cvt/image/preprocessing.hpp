// preprocessing: the rules by which images become inputs: resize, crop, normalisation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "../version.hpp"

CVT_NAMESPACE_BEGIN

/// Where a centre crop begins: torchvision's round((n - size) / 2), half to even, which the official evaluation uses;
/// or transformers' (n - size) // 2.
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

/// How images become inputs. preprocessing::for_size(n) is what the official evaluation does for models of that size;
/// model::load reads preprocessor_config.json into one.
struct preprocessing {
    enum class resize_rule : std::uint8_t {
        none,        ///< pixels as they are
        short_side,  ///< short side to `short_side`, long side int(short * long / short_side), ratio kept
        warp,        ///< to resize_height x resize_width, ratio lost
    };
    resize_rule resize = resize_rule::short_side;
    int short_side = 256;
    int resize_height = 224, resize_width = 224;  ///< of a warp
    resampling resample = resampling::bicubic;
    bool center_crop = true;
    int crop_height = 224, crop_width = 224;  ///< zero padding where the image is smaller, as torchvision does
    crop_rounding rounding = crop_rounding::official;
    double rescale_factor = 1.0 / 255;  ///< pixels are multiplied by it; 1 / 255 divides by 255, as torchvision's ToTensor does
    bool normalize = true;              ///< (x - mean) / std after that
    int mean_count = 3, std_count = 3;  ///< how many values the source gave; checked when an image is preprocessed
    std::array<float, 4> mean{0.485F, 0.456F, 0.406F, 0.F};  ///< of ImageNet
    std::array<float, 4> std{0.229F, 0.224F, 0.225F, 1.F};

    /// Size below 384: short side to int(size / 0.875), centre crop. From 384 on: warp, no crop.
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
