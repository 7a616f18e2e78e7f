// Links the files of weights/ into the program with .incbin: 4 MB as a C array would take the compiler minutes.
#include "embedded_model.hpp"

#include <cstddef>
#include <string_view>

// CLASSIFY_WEIGHTS is the folder, as a string.
#define EMBED(symbol, file)                                                                   \
    __asm__(                                                                                  \
        ".pushsection .rodata\n"                                                              \
        ".balign 64\n"                                                                        \
        ".globl " #symbol "_begin, " #symbol                                                  \
        "_end\n"                                                                              \
        ".hidden " #symbol "_begin, " #symbol "_end\n" #symbol                                \
        "_begin:\n"                                                                           \
        ".incbin \"" CLASSIFY_WEIGHTS "/" file "\"\n" #symbol                                 \
        "_end:\n"                                                                             \
        ".byte 0\n"                                                                           \
        ".popsection\n");                                                                     \
    extern "C" {                                                                              \
    __attribute__((visibility("hidden"))) extern const char symbol##_begin[], symbol##_end[]; \
    }

EMBED(classify_weights, "model.safetensors")
EMBED(classify_config, "config.json")
EMBED(classify_preprocessor, "preprocessor_config.json")

namespace app {
namespace {

std::string_view bytes(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

cvt::result<cvt::model> embedded_model(const cvt::load_options& options) {
    const std::string_view weights = bytes(classify_weights_begin, classify_weights_end);
    return cvt::model::from_memory({.weights = std::as_bytes(std::span{weights}),
                                    .config_json = bytes(classify_config_begin, classify_config_end),
                                    .preprocessor_json = bytes(classify_preprocessor_begin, classify_preprocessor_end)},
                                   options);
}

}  // namespace app
