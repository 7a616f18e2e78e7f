// Every error of a session: its code, its text, and that the session remains usable.
#include <catch2/catch.hpp>
#include <string>

#include "support/session_fixture.hpp"

using namespace cvt_test;

namespace {

constexpr cvt::grid size{32, 32};

void check(const cvt::error& e, const char* message, cvt::errc code = cvt::errc::invalid_argument) {
    CHECK(e.code() == code);
    CHECK(std::string{e.what()} == message);
}

struct fixture {
    cvt::config c;
    cvt::session s;
    std::vector<float> image;
    everything out;

    explicit fixture(const cvt::config& config = tiny_config())
        : c{config}, s{make_model(config)}, image(formula_image(size.height, size.width, config.num_channels)), out{config, size, 2} {}

    cvt::error run(const cvt::outputs& o) { return s.run(batch(image, 1, c.num_channels, size), o); }
    /// Returns the first `n` floats of the memory of an output.
    std::span<float> room(std::size_t n) { return std::span{out.stages[0]}.first(n); }
};

}  // namespace

TEST_CASE("inputs that are null, have other channels, are too small or too large") {
    fixture f;
    const auto run = [&](const float* data, std::ptrdiff_t n, std::ptrdiff_t channels, std::ptrdiff_t height, std::ptrdiff_t width) {
        return f.s.run(cvt::view<const float, 4>{data, n, channels, height, width}, {.logits = f.room(10)});
    };
    const float* data = f.image.data();
    const char* none = "input: expected at least one image of (3, height, width), found none";
    check(run(nullptr, 1, 3, 32, 32), none);
    check(run(data, 0, 3, 32, 32), none);
    check(run(data, -1, 3, 32, 32), none);
    check(run(data, 1, 4, 32, 32), "input: expected 3 channels, found 4");
    check(run(data, 1, 1, 32, 32), "input: expected 3 channels, found 1");
    check(run(data, 1, 3, 2, 32), "input of 2 x 32 pixels (height x width) is too small: this configuration needs at least 3 x 3");
    check(run(data, 1, 3, 32, 0), "input of 32 x 0 pixels (height x width) is too small: this configuration needs at least 3 x 3");
    check(run(data, 1, 3, 32, -5), "input of 32 x -5 pixels (height x width) is too small: this configuration needs at least 3 x 3");
    const char* large = " pixels (height x width) is too large: at most 65536 per side";
    check(run(data, 1, 3, 65537, 32), ("input of 65537 x 32" + std::string{large}).c_str());
    if constexpr (sizeof(void*) == 8)
        check(run(data, 1, 3, static_cast<std::ptrdiff_t>((std::int64_t{1} << 32) + 32), 32),
              ("input of 4294967328 x 32" + std::string{large}).c_str());  // not truncated to 32 bits
    check(run(data, 1, 3, 32, PTRDIFF_MAX), ("input of 32 x " + std::to_string(PTRDIFF_MAX) + large).c_str());
    CHECK_FALSE(run(data, 1, 3, 3, 3));
    check(f.s.logits(cvt::view<const float, 3>{}, f.room(10)), none);
    check(f.s.embedding(cvt::view<const float, 3>{data, 2, 32, 32}, f.room(45)), "input: expected 3 channels, found 2");
    const everything after = run_everything(f.s, size);
    fixture fresh;
    CHECK(same_bits(after, run_everything(fresh.s, size)));
}

TEST_CASE("outputs must have exactly the right size") {
    fixture f;
    CHECK_FALSE(f.run({.logits = f.room(10)}));
    check(f.run({.logits = f.room(9)}), "logits: expected room for 1 x 10 floats, found 9");
    check(f.run({.logits = f.room(11)}), "logits: expected room for 1 x 10 floats, found 11");
    check(f.run({.embedding = f.room(44)}), "embedding: expected room for 1 x 45 floats, found 44");
    check(f.run({.embedding = f.room(46)}), "embedding: expected room for 1 x 45 floats, found 46");
    // 32 x 32 pixels: grids of 8 x 8, 4 x 4 and 2 x 2 tokens, 1 x 1 keys
    cvt::outputs third, fourth;
    third.stages[2] = f.room(179);
    fourth.stages[3] = f.room(1);
    check(f.run({.stages = {f.room(703)}}), "stages[0]: expected room for 1 x 704 floats, found 703");
    check(f.run({.stages = {f.room(704), f.room(353)}}), "stages[1]: expected room for 1 x 352 floats, found 353");
    check(f.run(third), "stages[2]: expected room for 1 x 180 floats, found 179");
    check(f.run(fourth), "stages: the model has 3 stages, map 3 was requested");
    check(f.run({.cls_attention = f.room(4)}), "cls_attention: expected room for 1 x 3 floats, found 4");
    CHECK_FALSE(f.run({.stages = {f.room(704)}, .cls_attention = std::span{f.out.cls_attention}.first(3)}));
    // a batch
    const std::vector<float> two(2 * f.image.size());
    const cvt::view<const float, 4> input = batch(two, 2, 3, size);
    check(f.s.run(input, {.logits = f.room(10)}), "logits: expected room for 2 x 10 floats, found 10");
    CHECK_FALSE(f.s.run(input, f.out.spans()));
    // through the convenience functions
    const cvt::view<const float, 3> one{f.image.data(), 3, 32, 32};
    check(f.s.logits(one, f.room(12)), "logits: expected room for 1 x 10 floats, found 12");
    check(f.s.embedding(one, f.room(12)), "embedding: expected room for 1 x 45 floats, found 12");
}

TEST_CASE("an empty span for a requested result") {
    fixture f;
    const photo p{40, 40};
    const cvt::view<const float, 3> one{f.image.data(), 3, 32, 32};
    const char* logits = "logits: expected room for the result, found an empty span";
    const char* embedding = "embedding: expected room for the result, found an empty span";
    check(f.s.classify(p.view(), {}), logits);
    check(f.s.logits(one, {}), logits);
    check(f.s.embedding(one, {}), embedding);
    check(f.s.embedding(p.view(), {}), embedding);
}

TEST_CASE("a model without a head, or without a class token") {
    cvt::config c = tiny_config();
    c.num_classes = 0;
    c.stage[2].cls_token = false;
    fixture f{c};
    const photo p{40, 40};
    check(f.s.classify(p.view(), f.room(10)), "logits: the model has no head; ask for its embedding");
    check(f.s.classify(p.view(), {}), "logits: the model has no head; ask for its embedding");
    check(f.run({.logits = f.room(10)}), "logits: the model has no head; ask for its embedding");
    check(f.run({.cls_attention = f.room(3)}), "cls_attention: the model has no class token in its last stage");
    CHECK_FALSE(f.run({.embedding = f.room(45)}));
    c.stage[1].cls_token = true;  // the class token of an earlier stage does not count
    fixture g{c};
    check(g.run({.cls_attention = g.room(3)}), "cls_attention: the model has no class token in its last stage");
}

TEST_CASE("executors with no workers or too many") {
    const cvt::model m = make_model(tiny_config());
    const std::vector<float> image = formula_image(size.height, size.width);
    std::vector<float> logits(10);
    for (const int workers : {-1, 0, 257}) {
        cvt::session s{m, {.executor = {nullptr, workers, nullptr}}};
        check(s.logits(cvt::view<const float, 3>{image.data(), 3, 32, 32}, logits),
              ("executor: expected 1 to 256 workers, found " + std::to_string(workers)).c_str());
    }
}

TEST_CASE("images that do not fit") {
    fixture f;
    const photo p{40, 50};
    std::vector<float> two(20);
    check(f.s.classify(std::span<const cvt::image_view>{}, f.room(10)), "images: expected at least one, found none");
    CHECK(f.s.classify(cvt::image_view{p.pixels.data(), 0, 50}, f.room(10)).code() == cvt::errc::bad_image);
    CHECK(f.s.classify(cvt::image_view{nullptr, 40, 50}, f.room(10)).code() == cvt::errc::bad_image);
    const cvt::image_view second_bad[]{p.view(), {p.pixels.data(), 40, 50, 7}};
    check(f.s.classify(second_bad, two), "image 1 of the batch: image has 7 channels: expected 1 (grey), 3 (RGB, BGR) or 4 (RGBA, BGRA)",
          cvt::errc::bad_image);
    const cvt::image_view second_flat[]{p.view(), {p.pixels.data(), 40, 0}};
    CHECK_THAT(f.s.classify(second_flat, two).what(), Catch::StartsWith("image 1 of the batch: image is 40 x 0 (width x height)"));
    cvt::config bare = tiny_config();
    bare.num_classes = 0;
    const std::vector<float> tensor = formula_image(size.height, size.width);
    fixture h{bare};
    check(h.s.logits(cvt::view<const float, 3>{tensor.data(), 3, size.height, size.width}, {}),
          "logits: the model has no head; ask for its embedding");
    check(f.s.classify(p.view(), f.room(9)), "logits: expected room for 1 x 10 floats, found 9");

    cvt::preprocessing as_is;
    as_is.resize = cvt::preprocessing::resize_rule::none;
    as_is.center_crop = false;
    cvt::session s{f.s.model(), {.preprocessing = as_is}};
    const photo q{50, 40};
    const cvt::image_view mixed[]{p.view(), q.view()}, tiny[]{{p.pixels.data(), 2, 9}}, second_tiny[]{p.view(), tiny[0], q.view()};
    const char* one_size =
        "images: expected one size in a batch for maps and attention, image 1 becomes 50 x 40 (width x height), the first 40 x 50";
    const cvt::model_shape::stage_shape last = cvt::shape_of(f.c, 50, 40)->last_stage();
    const auto twice = [](std::ptrdiff_t each) { return static_cast<std::size_t>(2 * each); };
    std::vector<float> map(twice(45 * last.tokens.tokens())), attention(twice(3 * last.keys.tokens()));
    cvt::outputs with_map{.logits = two}, with_attention{.logits = two, .cls_attention = attention};
    with_map.stages[2] = map;
    check(s.run(mixed, with_map), one_size);
    check(s.run(mixed, with_attention), one_size);
    const cvt::image_view equal[]{p.view(), p.view()};
    CHECK_FALSE(s.run(equal, with_map));
    CHECK_FALSE(s.run(equal, with_attention));
    CHECK_FALSE(s.classify(mixed, two));
    CHECK_FALSE(s.classify(std::span{mixed, 1}, f.room(10)));
    check(s.classify(second_tiny, f.room(30)),
          "image 1 of the batch: input of 9 x 2 pixels (height x width) is too small: this configuration needs at least 3 x 3");
    CHECK_FALSE(s.classify(mixed, two));
    check(s.classify(tiny, f.room(10)), "input of 9 x 2 pixels (height x width) is too small: this configuration needs at least 3 x 3");

    cvt::config grey = tiny_config();
    grey.num_channels = 1;
    fixture g{grey};
    check(g.s.classify(p.view(), g.room(10)), "images: expected a model of 3 channels, this one takes 1; pass tensors");
    check(g.s.embedding(p.view(), g.room(45)), "images: expected a model of 3 channels, this one takes 1; pass tensors");
    CHECK_FALSE(g.run({.logits = g.room(10)}));
}
