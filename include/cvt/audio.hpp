// Sounds to inputs: spectrogram, audio_preprocessor and resampler. Hosts include this file; the parts are in audio/.
#pragma once

#include "audio/audio_preprocessor.hpp"
#include "audio/resample.hpp"
#include "audio/spectrogram.hpp"
