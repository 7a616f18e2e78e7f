// Recipes: models from a folder, from one file, from memory, and with exceptions.
#include "recipes.hpp"

#include <algorithm>
#include <cstdio>

// recipe: folder
cvt::result<cvt::model> load_folder(const char* folder) {
    cvt::result<cvt::model> model = cvt::model::load(folder);
    if (!model) return model;
    const cvt::model_info& info = model->info();
    std::printf("%s (%s), %s GELU (%s), %s kernels\n", info.variant, info.config_from, cvt::to_string(model->config().gelu), info.gelu_from,
                model->kernels());
    const cvt::warning_list& warnings = model->warnings();  // weights that are NaN, for example
    for (int i = 0; i < std::min(warnings.count, cvt::warning_list::capacity); ++i)
        std::fprintf(stderr, "%s: %s\n", folder, warnings.text[i]);
    return model;
}
// end

// recipe: lone file
cvt::result<cvt::model> load_lone_file(const char* path, std::array<int, 3> widths, std::array<int, 3> heads, std::array<int, 3> depths) {
    cvt::config config = cvt::cvt_13;  // its patches, strides, paddings and projections
    for (std::size_t i = 0; i < 3; ++i) {
        config.stage[i].embed_dim = widths[i];
        config.stage[i].num_heads = heads[i];
        config.stage[i].depth = depths[i];
    }
    return cvt::model::load(path, {.config = config, .gelu = cvt::gelu::quick});
}
// end

// recipe: memory
cvt::result<cvt::model> load_from_memory(std::span<const std::byte> weights, std::string_view config_json,
                                         std::string_view preprocessor_json) {
    return cvt::model::from_memory({weights, config_json, preprocessor_json});  // the bytes are not needed afterwards
}
// end

// recipe: exceptions
cvt::model load_or_throw(const char* path) {
    return cvt::model::load(path).value();  // throws cvt::bad_result, a std::exception with the error's what()
}
// end
