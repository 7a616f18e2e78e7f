// Recipes: logits of a tensor and of a batch, embeddings, stage maps, attention.
#include "recipes.hpp"

#include <cmath>
#include <numeric>

// recipe: tensor
cvt::error logits_of_tensor(cvt::session& session, const std::vector<float>& input, int height, int width, std::vector<float>& logits) {
    const cvt::config& config = session.model().config();
    const cvt::view<const float, 3> tensor{input.data(), config.num_channels, height, width};
    if (static_cast<std::size_t>(tensor.size()) != input.size())  // a view trusts its extents: the caller checks them
        return cvt::error::format(cvt::errc::invalid_argument, "input: expected %td floats, found %zu", tensor.size(), input.size());
    logits.resize(static_cast<std::size_t>(config.num_classes));
    return session.logits(tensor, logits);
}
// end

// recipe: batch
cvt::error classify_batch(cvt::session& session, std::span<const cvt::image_view> images, std::vector<float>& logits) {
    const auto classes = static_cast<std::size_t>(session.model().config().num_classes);
    logits.resize(images.size() * classes);
    return session.classify(images, logits);  // the logits of image n begin at n * classes
}
// end

// recipe: embedding
cvt::result<double> similarity(cvt::session& session, const cvt::image_view& a, const cvt::image_view& b) {
    const auto size = static_cast<std::size_t>(session.model().config().last_stage().embed_dim);
    std::vector<float> x(size), y(size);
    if (auto e = session.embedding(a, x)) return e;
    if (auto e = session.embedding(b, y)) return e;
    const auto dot = [](const std::vector<float>& u, const std::vector<float>& v) {
        return std::inner_product(u.begin(), u.end(), v.begin(), 0.0);
    };
    return dot(x, y) / std::sqrt(dot(x, x) * dot(y, y));
}
// end

// recipe: stage maps
cvt::result<std::vector<feature_map>> stage_maps(cvt::session& session, const cvt::image_view& image) {
    const cvt::config& config = session.model().config();
    const auto input = cvt::output_size(session.preprocessing(), image.width, image.height);
    if (!input) return input.error();
    const auto shape = cvt::shape_of(config, input->height, input->width);
    if (!shape) return shape.error();

    std::vector<feature_map> maps;
    cvt::outputs out;  // only outputs with memory are computed
    for (std::size_t i = 0; i < config.stages().size(); ++i) {
        const cvt::grid tokens = shape->stage[i].tokens;
        const int channels = config.stage[i].embed_dim;
        maps.push_back({channels, tokens.height, tokens.width, std::vector<float>(static_cast<std::size_t>(channels * tokens.tokens()))});
        out.stages[i] = maps.back().values;
    }
    if (auto e = session.run({&image, 1}, out)) return e;
    return maps;
}
// end

// recipe: attention
cvt::result<feature_map> attention_map(cvt::session& session, const cvt::image_view& image) {
    const cvt::config& config = session.model().config();
    const auto input = cvt::output_size(session.preprocessing(), image.width, image.height);
    if (!input) return input.error();
    const auto shape = cvt::shape_of(config, input->height, input->width);
    if (!shape) return shape.error();
    const cvt::grid keys = shape->last_stage().keys;  // 7 x 7 for the published models at 224

    const int heads = config.last_stage().num_heads;
    feature_map map{heads, keys.height, keys.width, std::vector<float>(static_cast<std::size_t>(heads * keys.tokens()))};
    if (auto e = session.run({&image, 1}, {.cls_attention = map.values})) return e;
    return map;  // one channel per head: average them for one picture
}
// end
