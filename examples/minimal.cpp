// A whole program: loads a model, decodes a photo, prints its five most likely classes.
#include <cstdio>
#include <cvt/cvt.hpp>
#include <cvt/extra/decode.hpp>
#include <vector>

int report(const cvt::error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}

int main(int argc, char** argv) {
    if (argc != 3) return std::fprintf(stderr, "usage: minimal MODEL IMAGE\n"), 2;
    auto model = cvt::model::load(argv[1]);  // a Hugging Face folder, .safetensors, .bin or .pth
    if (!model) return report(model.error());
    auto photo = cvt::read_image(argv[2], cvt::orientation::exif);
    if (!photo) return report(photo.error());

    cvt::session session{*model};  // one per thread
    std::vector<float> logits(static_cast<std::size_t>(model->config().num_classes));
    if (auto e = session.classify(photo->view(), logits)) return report(e);
    for (cvt::ranked r : cvt::top_k<5>(logits))
        std::printf("%5.1f %%  %s\n", 100.0 * static_cast<double>(r.probability), model->label(r.index));
}
