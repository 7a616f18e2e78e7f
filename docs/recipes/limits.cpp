// Recipes: memory computed before it is allocated, and files from strangers.
#include "recipes.hpp"

#include <cvt/extra/decode.hpp>

// recipe: memory needed
cvt::result<std::size_t> bytes_of_sessions(const cvt::model& model, cvt::grid input, int sessions, int workers) {
    const auto workspace = model.workspace_bytes(input.height, input.width, workers);  // allocates nothing
    if (!workspace) return workspace.error();
    const auto pixels = static_cast<std::size_t>(model.config().num_channels * input.tokens()) * sizeof(float);
    return model.memory_bytes() + static_cast<std::size_t>(sessions) * (*workspace + pixels);  // plus the photos
}
// end

// recipe: upload
cvt::error classify_upload(const cvt::model& model, std::span<const std::byte> file, std::span<float> logits) {
    const auto photo = cvt::decode(file, cvt::orientation::exif, {.max_bytes = 20 << 20, .max_pixels = 25'000'000});
    if (!photo) return photo.error();
    cvt::session session{model};  // a server keeps one per thread
    return session.classify(photo->view(), logits);
}
// end

// recipe: stranger's model
cvt::result<cvt::model> load_from_stranger(const char* path) {
    cvt::result<cvt::model> model = cvt::model::load(path);
    if (!model) return model;
    const auto bytes = model->workspace_bytes(224, 224);
    if (!bytes) return bytes.error();
    const auto work = cvt::multiply_adds(model->config(), 224, 224);
    if (!work) return work.error();
    if (*bytes > std::size_t{256} << 20 || *work > 50'000'000'000)
        return cvt::error::format(cvt::errc::unsupported, "%s: too expensive: %zu bytes and %lld multiply-adds at 224 x 224", path, *bytes,
                                  static_cast<long long>(*work));
    return model;  // give its sessions preprocessing for 224, whatever its file says
}
// end
