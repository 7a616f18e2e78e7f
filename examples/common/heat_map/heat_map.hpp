// heat_map: draws the class token's attention as colours over the photo.
#pragma once

#include <cstdint>
#include <cvt/config.hpp>
#include <cvt/image.hpp>
#include <span>
#include <vector>

namespace heat_map {

/// Returns RGB pixels (height, width, 3) of the photo's size. `attention` is outputs::cls_attention of one image, (heads, keys); `c`
/// and `p` are the model's configuration and the session's preprocessing. The value of a key is drawn at the centre of its receptive
/// field in the photo, for any resize, crop or warp. Parts that the model did not see are dark and grey. Colours go from no attention
/// to the photo's maximum. Errors: those of cvt::output_size() and cvt::shape_of(); invalid_argument (no class token, another number
/// of values).
cvt::result<std::vector<std::uint8_t>> draw(const cvt::image_view& photo, std::span<const float> attention, const cvt::config& c,
                                            const cvt::preprocessing& p);

}  // namespace heat_map
