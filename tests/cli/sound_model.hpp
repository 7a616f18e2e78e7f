// Writes a small model for sounds.
#pragma once

#include <cvt/config.hpp>
#include <filesystem>
#include <string>

#include "classify.hpp"
#include "support/checkpoints.hpp"

namespace cvt_test {

/// A model for sounds with generated weights and two classes: chunks of 0.5 s at 8 kHz.
inline std::string write_sound_model(const std::string& folder) {
    cvt::config c = cvt::cvt_13;
    c.num_channels = 1;
    c.num_classes = 2;
    c.gelu = cvt::gelu::erf;
    for (std::size_t i = 0; i < 3; ++i) c.stage[i].embed_dim = 16 << i, c.stage[i].num_heads = 1 << i, c.stage[i].depth = 1;
    std::filesystem::create_directory(folder);
    REQUIRE(write_file(folder + "/model.safetensors", formula_file(c)));
    REQUIRE(write_file(folder + "/config.json", R"({"model_type": "cvt", "num_channels": 1, "hidden_act": "gelu", "embed_dim": [16, 32, 64],
        "num_heads": [1, 2, 4], "depth": [1, 1, 1], "patch_stride": [4, 2, 2], "patch_padding": [2, 1, 1], "padding_kv": [1, 1, 1],
        "stride_kv": [2, 2, 2], "id2label": {"0": "owl", "1": "wren"}})"));
    REQUIRE(write_file(folder + "/preprocessor_config.json", R"({"feature_extractor_type": "CvtSpectrogram", "sampling_rate": 8000,
        "nb_max_samples": 4000, "fft_window_size": 256, "hop_length": 100, "feature_size": 32, "min_max": true, "padding": "repeat"})"));
    return folder;
}

}  // namespace cvt_test
