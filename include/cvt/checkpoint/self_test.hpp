// The self-test that a checkpoint stores: a generated image, and the result of the model when the file was written.
#pragma once

#include <cfloat>

#include "../config.hpp"
#include "json/json.hpp"
#include "json/writer.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The key of a self-test in the metadata of a safetensors file. The value is a JSON text.
inline constexpr std::string_view self_test_key = "cvt.self_test";

/// A forward pass over the generated image (channels, height, width) of `seed`, and the first values of its result.
struct self_test {
    static constexpr int max_side = 1024;               ///< of the image: a file must not cause gigabytes to be allocated
    static constexpr std::size_t max_values = 1 << 16;  ///< logits beyond it are not stored
    static constexpr std::size_t max_text = 2 << 20;    ///< of the JSON text

    int height = 0, width = 0;
    std::uint64_t seed = 0;
    cvt::gelu gelu = cvt::gelu::quick;
    bool logits = true;  ///< false: the embedding of a model without a head
    char computed_by[64] = "";
    detail::buffer<float> values;
};

/// Writes a self-test as JSON. All values must be finite.
inline void write_self_test(const self_test& t, json_writer& to) noexcept {
    to.begin_object().key("format").integer(1).key("image").string("formula").key("seed").integer(t.seed);
    to.key("height").integer(t.height).key("width").integer(t.width).key("gelu").string(to_string(t.gelu));
    to.key("computed_by").string(t.computed_by).key("output").string(t.logits ? "logits" : "embedding").key("values").begin_list();
    for (const float v : t.values) to.real(v);
    to.end_list().end_object();
}

/// Reads the text of a self-test. Errors: malformed (not a text of write_self_test()), unsupported (a later format).
inline result<self_test> read_self_test(std::string_view text) noexcept {
    const auto bad = [](const char* key, const char* expected) noexcept {
        return error::format(errc::malformed, "self-test: %s: expected %s", key, expected);
    };
    const result<json> document = json::parse(text);
    if (!document) return error::format(document.error().code(), "self-test: %s", document.error().what());
    const json_value root = document->root();
    if (!root.is(json_kind::object)) return bad("the record", "an object");
    const auto integer = [&](const char* key, std::int64_t low, std::int64_t high) noexcept -> std::optional<std::int64_t> {
        const json_value v = root.find(key);
        const std::optional<std::int64_t> value = v ? v.integer() : std::nullopt;
        return value && *value >= low && *value <= high ? value : std::nullopt;
    };

    if (!integer("format", 1, INT64_MAX)) return bad("format", "a number");
    if (!integer("format", 1, 1))
        return error::format(errc::unsupported, "self-test: format: expected 1: the file comes from a later version");
    if (root.size() != 9 || !root.find("image").is_text("formula")) return bad("the record", "9 keys, with \"image\": \"formula\"");
    const auto seed = integer("seed", 0, INT64_MAX), height = integer("height", 1, self_test::max_side),
               width = integer("width", 1, self_test::max_side);
    if (!seed) return bad("seed", "an integer from 0");
    if (!height || !width) return bad("height, width", "1 to 1024 pixels");
    const bool quick = root.find("gelu").is_text("quick"), logits = root.find("output").is_text("logits");
    if (!quick && !root.find("gelu").is_text("erf")) return bad("gelu", "quick or erf");
    if (!logits && !root.find("output").is_text("embedding")) return bad("output", "logits or embedding");
    const json_value named = root.find("computed_by");
    const std::string_view by = named.is(json_kind::string) ? named.string() : std::string_view{};
    for (const char c : by)
        if (c < 0x20 || c > 0x7E) return bad("computed_by", "printable ASCII");

    self_test t;
    if (by.empty() || by.size() >= sizeof t.computed_by) return bad("computed_by", "1 to 63 characters");
    std::memcpy(t.computed_by, by.data(), by.size());
    t.height = static_cast<int>(*height);
    t.width = static_cast<int>(*width);
    t.seed = static_cast<std::uint64_t>(*seed);
    t.gelu = quick ? gelu::quick : gelu::erf;
    t.logits = logits;
    const json_value values = root.find("values");
    if (!values.is(json_kind::array) || values.size() < 1 || values.size() > self_test::max_values)
        return bad("values", "1 to 65536 numbers");
    for (json_value v = values.first(); v; v = v.next()) {
        constexpr double largest = 3.4028235e38;  // the shortest decimal of the largest float32, a little beyond it
        const double number = v.is(json_kind::number) ? v.number() : DBL_MAX;
        if (!(number >= -largest && number <= largest)) return bad("values", "float32 numbers");
        if (!t.values.push_back(static_cast<float>(number))) return error::out_of_memory("a self-test", values.size() * sizeof(float));
    }
    return t;
}

}  // namespace checkpoint
CVT_NAMESPACE_END
