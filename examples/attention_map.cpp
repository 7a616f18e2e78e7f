// Draws the attention of the class token as a heat map over a photo, and writes it as PNG.
#include <cstdio>
#include <cvt/cvt.hpp>
#include <cvt/extra/decode.hpp>
#include <vector>

#include "common/heat_map/heat_map.hpp"
#include "common/heat_map/png.hpp"

int report(const cvt::error& e) {
    std::fprintf(stderr, "attention_map: %s\n", e.what());
    return 1;
}

int main(int argc, char** argv) {
    if (argc < 3 || argc > 4) return std::fprintf(stderr, "usage: attention_map PHOTO OUT.png [MODEL]\n"), 2;
    auto model = cvt::model::load(argc == 4 ? argv[3] : DEFAULT_MODEL);
    if (!model) return report(model.error());
    auto photo = cvt::read_image(argv[1], cvt::orientation::exif);
    if (!photo) return report(photo.error());

    // One value per head and key. The number of keys depends on the size of the input.
    cvt::session session{*model};
    const cvt::config& config = model->config();
    const auto input = cvt::output_size(session.preprocessing(), photo->width, photo->height);
    if (!input) return report(input.error());
    const auto shape = cvt::shape_of(config, input->height, input->width);
    if (!shape) return report(shape.error());
    std::vector<float> attention(static_cast<std::size_t>(config.last_stage().num_heads * shape->last_stage().keys.tokens()));

    const cvt::image_view view = photo->view();
    if (auto e = session.run({&view, 1}, {.cls_attention = attention})) return report(e);
    const auto picture = heat_map::draw(view, attention, config, session.preprocessing());
    if (!picture) return report(picture.error());
    if (auto e = heat_map::write_png(argv[2], *picture, view.width, view.height)) return report(e);
}
