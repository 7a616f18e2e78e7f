// embedded_model.hpp: links the files of weights/ into the program.
#include "embedded_model.hpp"

#include <span>

#include "common/embed.hpp"

// EMBEDDED_WEIGHTS is the folder, as a string.
EMBED_FILE(classify_weights, EMBEDDED_WEIGHTS "/model.safetensors")
EMBED_FILE(classify_config, EMBEDDED_WEIGHTS "/config.json")
EMBED_FILE(classify_preprocessor, EMBEDDED_WEIGHTS "/preprocessor_config.json")

namespace app {

cvt::result<cvt::model> embedded_model(const cvt::load_options& options) {
    return cvt::model::from_memory({.weights = std::as_bytes(std::span{classify_weights()}),
                                    .config_json = classify_config(),
                                    .preprocessor_json = classify_preprocessor()},
                                   options);
}

cvt::result<cvt::checkpoint_source> embedded_checkpoint(const cvt::load_options& options) {
    return cvt::open_checkpoint(std::as_bytes(std::span{classify_weights()}), classify_config(), classify_preprocessor(), options);
}

}  // namespace app
