// model_info: what was recognised in a checkpoint, and why.
#pragma once

#include "scoring.hpp"

CVT_NAMESPACE_BEGIN

/// What was recognised in a checkpoint, and why. The pointers are to static texts; texts from the file are cleaned and cut.
/// @code{.cpp}
/// const cvt::model_info& info = model.info();
/// std::printf("%s from %s, %s names\n", info.variant, info.container, info.naming);
/// for (cvt::ranked r : cvt::top_k<5>(logits, info.scores)) std::puts(model.label(r.index));
/// @endcode
struct model_info {
    const char* container = "weights given by the caller";  ///< "safetensors", "torch zip", ...
    const char* naming = "official";                        ///< of the tensors: "official" or "transformers"
    const char* variant = "custom";                         ///< "CvT-13", "CvT-21", "CvT-W24", "ProtoCLR" or "custom"
    const char* config_from = "given by the caller";        ///< or "config.json", "recognised from tensor shapes"
    char assumed[480] = "";                                 ///< keys that config.json lacks: "num_heads [1, 3, 6]" (transformers' defaults)
    const char* gelu_from = "given by the caller";          ///< or "hidden_act in config.json", "naming of the tensors"
    bool gelu_guessed = false;                              ///< neither a file nor the caller gives it: only the naming does
    const char* size_from = "default";                      ///< or "preprocessor_config.json", "given by the caller", ...
    cvt::scoring scores = scoring::softmax;                 ///< what the logits mean, for top_k
    char weights_path[160] = "";                            ///< path of the weights in the file: "state_dict"; "" at the top
    char stripped[160] = "";                                ///< prefix removed from every tensor name: "module."
    char beside[400] = "";                                  ///< other contents of the file: "epoch 7, best_acc 81.6"
    bool int8_weights = false;                              ///< the file stores int8 weights with scales
    int config_image_size = 0;                              ///< config.json's image_size, 0 without one
};

CVT_NAMESPACE_END
