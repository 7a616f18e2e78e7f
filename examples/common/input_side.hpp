// The size of a model's inputs, and the same preprocessing at another size.
#pragma once

#include <cvt/image.hpp>

namespace app {

/// The size of the inputs, or that of a square of their shorter side if their size depends on the image.
cvt::grid size_of(const cvt::preprocessing& p);

/// Whether inputs of another height are warped, not cropped: a model that follows the official rule (crop below 384, warp from 384 on)
/// follows it at the new size, too; others keep their own rule.
bool warps_at(const cvt::preprocessing& p, int height);

/// Gives the inputs another size. Mean and std stay, and so does the model's own ratio of resize to crop. Crops are squares.
void resize_to(cvt::preprocessing& p, cvt::grid size, bool warp);

}  // namespace app
