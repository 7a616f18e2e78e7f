// Loads a model that is linked into the program; the photo is the only file that it opens.
#include <cstdio>
#include <cvt/cvt.hpp>
#include <cvt/extra/decode.hpp>
#include <vector>

#include "common/embed.hpp"

EMBED_FILE(weights, EMBEDDED_FOLDER "/model.safetensors")
EMBED_FILE(config, EMBEDDED_FOLDER "/config.json")
EMBED_FILE(preprocessor, EMBEDDED_FOLDER "/preprocessor_config.json")

int report(const cvt::error& e) {
    std::fprintf(stderr, "from_memory: %s\n", e.what());
    return 1;
}

int main(int argc, char** argv) {
    if (argc != 2) return std::fprintf(stderr, "usage: from_memory IMAGE\n"), 2;

    // The bytes are not needed after loading, since the weights are packed for this CPU; they may also come from a network or an
    // archive. For a single .safetensors, .bin or .pth file use from_memory(bytes, options).
    const std::string_view file = weights();
    auto model = cvt::model::from_memory({std::as_bytes(std::span{file}), config(), preprocessor()});
    if (!model) return report(model.error());
    auto photo = cvt::read_image(argv[1], cvt::orientation::exif);
    if (!photo) return report(photo.error());

    std::printf("%zu bytes of weights in the program, %lld parameters\n", file.size(), static_cast<long long>(model->parameters()));
    cvt::session session{*model};
    std::vector<float> logits(static_cast<std::size_t>(model->config().num_classes));
    if (auto e = session.classify(photo->view(), logits)) return report(e);
    for (cvt::ranked r : cvt::top_k<3>(logits))
        std::printf("%5.1f %%  %s\n", 100.0 * static_cast<double>(r.probability), model->label(r.index));
}
