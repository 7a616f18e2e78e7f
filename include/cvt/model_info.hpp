// model_info: what was recognised in a checkpoint, and why.
#pragma once

#include "scoring.hpp"

CVT_NAMESPACE_BEGIN

/// What was recognised in a checkpoint, and why. The pointers are to static texts; texts from the file are cleaned and cut.
struct model_info {
    const char* container = "weights given by the caller";  ///< "safetensors", "torch zip", ...
    const char* naming = "official";                        ///< of the tensors: "official" or "transformers"
    const char* variant = "custom";                         ///< "CvT-13", "CvT-21", "CvT-W24" or "custom"
    const char* config_from = "given by the caller";        ///< or "config.json", "recognised from tensor shapes"
    const char* gelu_from = "given by the caller";          ///< or "hidden_act in config.json", "naming of the tensors"
    const char* size_from = "default";                      ///< or "preprocessor_config.json", "given by the caller", ...
    cvt::scoring scores = scoring::softmax;                 ///< what becomes of the logits, for top_k
    char weights_path[160] = "";                            ///< of the dictionary that was taken: "state_dict"; "" at the top
    char stripped[160] = "";                                ///< what stood before every name in it: "module."
    char beside[400] = "";                                  ///< what else the file holds: "epoch 7, best_acc 81.6"
    int config_image_size = 0;                              ///< config.json's image_size, 0 without one
};

CVT_NAMESPACE_END
