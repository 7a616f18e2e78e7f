// stage_maps MODEL INPUT.npy quick|erf f32|int8 OUT: writes the stage maps of normalised inputs (N, C, H, W) as OUT1.npy, OUT2.npy, ...
// scripts/compare uses it because classify has no such option.
#include <cstdio>
#include <cstring>
#include <cvt/extra/npy.hpp>
#include <cvt/model.hpp>
#include <cvt/session.hpp>
#include <string>
#include <vector>

int fail(const cvt::error& e) { return std::fprintf(stderr, "stage_maps: %s\n", e.what()), 1; }

int main(int argc, char** argv) {
    if (argc != 6) return std::fprintf(stderr, "usage: stage_maps MODEL INPUT.npy quick|erf f32|int8 OUT\n"), 2;
    const cvt::gelu gelu = std::strcmp(argv[3], "quick") == 0 ? cvt::gelu::quick : cvt::gelu::erf;
    const cvt::precision precision = std::strcmp(argv[4], "int8") == 0 ? cvt::precision::int8 : cvt::precision::f32;
    const auto model = cvt::model::load(argv[1], {.gelu = gelu, .precision = precision});
    if (!model) return fail(model.error());
    const auto input = cvt::read_npy(argv[2]);
    if (!input) return fail(input.error());
    if (input->shape.size() != 4) return std::fprintf(stderr, "stage_maps: %s is not (N, C, H, W)\n", argv[2]), 1;

    const cvt::view<const float, 4> images{input->values.data(), input->shape[0], input->shape[1], input->shape[2], input->shape[3]};
    const auto shape = cvt::shape_of(model->config(), images.extent(2), images.extent(3));
    if (!shape) return fail(shape.error());
    std::vector<std::vector<float>> maps;
    cvt::outputs out;
    for (std::size_t i = 0; i < model->config().stages().size(); ++i) {
        const auto values = images.extent(0) * model->config().stage[i].embed_dim * shape->stage[i].tokens.tokens();
        maps.emplace_back(static_cast<std::size_t>(values));
        out.stages[i] = maps.back();
    }
    cvt::session session{*model};
    if (const cvt::error e = session.run(images, out)) return fail(e);
    for (std::size_t i = 0; i < maps.size(); ++i) {
        const cvt::grid grid = shape->stage[i].tokens;
        const std::size_t extents[]{input->shape[0], static_cast<std::size_t>(model->config().stage[i].embed_dim),
                                    static_cast<std::size_t>(grid.height), static_cast<std::size_t>(grid.width)};
        const std::string path = argv[5] + std::to_string(i + 1) + ".npy";
        if (const cvt::error e = cvt::write_npy(path.c_str(), maps[i], extents)) return fail(e);
    }
}
