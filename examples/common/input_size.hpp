// The size of a model's inputs, and the same preprocessing at another size.
#pragma once

#include <cvt/image.hpp>
#include <optional>

namespace app {

/// The size of the inputs, or that of a square of their shorter side if their size depends on the image.
cvt::grid input_size(const cvt::preprocessing& p);

/// How an image becomes an input of a given size. A crop needs a square.
enum class resize_method { crop, warp };

/// Makes the inputs of this size. Mean and std stay. Without a method, a model that follows the official rule (crop below 384, warp from
/// 384 on) follows it at the new size, too; others keep their own rule. Crops keep the model's ratio of resize to crop.
void resize_to(cvt::preprocessing& p, cvt::grid size, std::optional<resize_method> method = std::nullopt);

}  // namespace app
