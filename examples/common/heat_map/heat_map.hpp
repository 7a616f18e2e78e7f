// A picture of where a model looked: the class token's attention as a glow over the photo.
#pragma once

#include <cstdint>
#include <cvt/config.hpp>
#include <cvt/image.hpp>
#include <span>
#include <vector>

namespace heat_map {

/// RGB pixels of the photo's own size. `attention` is outputs::cls_attention of one image, (heads, keys); `c` and `p` are the
/// model's configuration and the session's preprocessing. Each key's glow lies where the key looked, whatever was resized,
/// cropped or warped; parts the model never saw are dark and grey. Colours go from no attention to the photo's most.
/// Errors: those of cvt::output_size() and cvt::shape_of(); invalid_argument (no class token, another number of values).
cvt::result<std::vector<std::uint8_t>> draw(const cvt::image_view& photo, std::span<const float> attention, const cvt::config& c,
                                            const cvt::preprocessing& p);

}  // namespace heat_map
