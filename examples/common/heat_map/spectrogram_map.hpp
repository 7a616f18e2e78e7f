// spectrogram_map: draws the class token's attention as colours over a spectrogram, with axes of time and frequency.
#pragma once

#include <cstdint>
#include <cvt/audio.hpp>
#include <cvt/config.hpp>
#include <span>
#include <vector>

namespace heat_map {

struct picture {
    std::vector<std::uint8_t> pixels;  ///< RGB, (height, width, 3)
    int width = 0, height = 0;
};

/// Draws one input of a model for sounds: the loudness in grey, and over it the attention as in heat_map.hpp. Low frequencies are below.
/// `input`: (mels, frames); `attention`: outputs::cls_attention of it, (heads, keys); `start`: the second of the recording at which the
/// input begins. Errors: those of heat_map::draw().
cvt::result<picture> draw_spectrogram(std::span<const float> input, std::span<const float> attention, const cvt::config& c,
                                      const cvt::spectrogram& s, double start);

}  // namespace heat_map
