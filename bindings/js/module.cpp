// The WebAssembly module of the JavaScript package: one model, one input and the results of the last run, behind C functions.
//
// A function that can fail returns 0 and leaves its error for error_code() and error_text(). Addresses that it returns are valid until
// the next call.
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <cvt/cvt.hpp>
#include <cvt/extra/decode.hpp>
#include <cvt/extra/json.hpp>
#include <cvt/image/attention_geometry.hpp>
#include <memory>

#include "common/input_size.hpp"

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

namespace {

/// An array that keeps its memory. Not std::vector, which would end a module without exceptions when memory runs out.
template <class T>
class array {
public:
    /// Returns false if memory runs out. Keeps no element when it grows.
    [[nodiscard]] bool resize(std::size_t count) {
        if (count > capacity_) {
            data_.reset(new (std::nothrow) T[count]);
            capacity_ = data_ ? count : 0;
        }
        size_ = count <= capacity_ ? count : 0;
        return size_ == count;
    }
    [[nodiscard]] T* data() const { return data_.get(); }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::span<T> span() const { return {data(), size_}; }

private:
    std::unique_ptr<T[]> data_;
    std::size_t size_ = 0, capacity_ = 0;
};

/// Text that grows; a failed allocation leaves it shorter, and its `complete` false.
class text {
public:
    void clear() {
        size_ = 0;
        complete_ = true;
    }
    void put(std::string_view piece) {
        if (size_ + piece.size() > capacity_) {
            const std::size_t wanted = 2 * (size_ + piece.size());
            std::unique_ptr<char[]> more{new (std::nothrow) char[wanted]};
            complete_ = complete_ && more;
            if (!more) return;
            if (size_ != 0) std::memcpy(more.get(), bytes_.get(), size_);
            bytes_ = std::move(more);
            capacity_ = wanted;
        }
        std::memcpy(bytes_.get() + size_, piece.data(), piece.size());
        size_ += piece.size();
    }
    void string(std::string_view value) {
        put("\"");
        cvt::escape_json(value, [this](std::string_view piece) { put(piece); });
        put("\"");
    }
    /// A number, or null if it is not finite.
    void number(double value) {
        char digits[32] = "null";
        if (std::isfinite(value)) std::snprintf(digits, sizeof digits, "%.9g", value);
        put(digits);
    }
    void count(std::int64_t value) {
        char digits[32];
        std::snprintf(digits, sizeof digits, "%" PRId64, value);
        put(digits);
    }
    void name(std::string_view field) {
        if (size_ != 0 && bytes_[size_ - 1] != '{') put(",");
        string(field);
        put(":");
    }
    /// Zero-terminated; null if memory ran out.
    const char* c_str() {
        put(std::string_view{"\0", 1});
        return complete_ ? bytes_.get() : nullptr;
    }

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0, capacity_ = 0;
    bool complete_ = true;
};

/// A model and its session.
struct loaded {
    cvt::model model;
    cvt::preprocessing preprocessing;
    cvt::session session{model, {.preprocessing = preprocessing}};
};

struct {
    cvt::error problem;
    loaded* model = nullptr;
    cvt::image picture;      ///< owns the pixels of a decoded picture
    cvt::image_view pixels;  ///< the input, if it is a picture
    cvt::view<const float, 3> tensor;
    bool has_tensor = false;
    array<float> logits, embedding, attention;
    array<cvt::ranked> classes;
    cvt::grid input, keys;
    text json;
} state;

int failed(const cvt::error& e) {
    state.problem = e;
    return 0;
}
int done() {
    state.problem = {};
    return 1;
}

const char* finish(const char* what) {
    state.json.put("}");
    const char* const all = state.json.c_str();
    if (all == nullptr) state.problem = cvt::error::out_of_memory(what, 0);
    return all;
}

void forget_input() {
    state.picture = {};
    state.pixels = {};
    state.has_tensor = false;
}

cvt::grid size_of_tensor() { return {static_cast<int>(state.tensor.extent(1)), static_cast<int>(state.tensor.extent(2))}; }

cvt::error resize(array<float>& floats, std::int64_t count, const char* what) {
    if (floats.resize(static_cast<std::size_t>(count))) return {};
    return cvt::error::out_of_memory(what, static_cast<unsigned long long>(count) * sizeof(float));
}

/// Plans the sizes of a run, and allocates the results that it asks for.
cvt::error prepare(bool logits, bool embedding, bool attention) {
    if (state.model == nullptr) return cvt::error::format(cvt::errc::invalid_argument, "no model is loaded");
    const cvt::config& c = state.model->model.config();
    const cvt::preprocessing& p = state.model->preprocessing;
    const cvt::result<cvt::grid> size =
        state.has_tensor ? cvt::result<cvt::grid>{size_of_tensor()} : cvt::output_size(p, state.pixels.width, state.pixels.height);
    if (!size) return size.error();
    const cvt::result<cvt::model_shape> shape = cvt::shape_of(c, size->height, size->width);
    if (!shape) return shape.error();
    state.input = *size;
    state.keys = shape->last_stage().keys;
    if (cvt::error e = resize(state.logits, logits ? c.num_classes : 0, "logits")) return e;
    if (cvt::error e = resize(state.embedding, embedding ? c.last_stage().embed_dim : 0, "embedding")) return e;
    if (attention && !c.uses_cls_token())
        return cvt::error::format(cvt::errc::invalid_argument, "attention: the model has no class token in its last stage");
    return resize(state.attention, attention ? c.last_stage().num_heads * state.keys.tokens() : 0, "attention");
}

}  // namespace

EXPORT(allocate) void* allocate(std::size_t bytes) { return std::malloc(bytes == 0 ? 1 : bytes); }
EXPORT(release) void release(void* memory) { std::free(memory); }

EXPORT(error_code) const char* error_code() { return cvt::to_string(state.problem.code()); }
EXPORT(error_text) const char* error_text() { return state.problem.what(); }

/// Loads a checkpoint. Texts may be empty. `precision`: 0 that of the file, 1 float32, 2 int8. `side`: of the input, 0 for the model's.
EXPORT(load)
int load(const std::byte* weights, std::size_t size, const char* config, const char* preprocessor, const char* kernels,
         const char* weights_key, int precision, int side) {
    delete state.model;
    state.model = nullptr;
    cvt::load_options options;
    if (*kernels != '\0') options.kernels = kernels;
    if (*weights_key != '\0') options.weights_key = weights_key;
    if (precision != 0) options.precision = precision == 1 ? cvt::precision::f32 : cvt::precision::int8;
    cvt::result<cvt::model> model = cvt::model::from_memory({{weights, size}, config, preprocessor}, options);
    if (!model) return failed(model.error());
    cvt::preprocessing p = model->preprocessing();
    if (side != 0) app::resize_to(p, {side, side});
    if (const std::optional<cvt::grid> input = cvt::output_size(p))
        if (const auto shape = cvt::shape_of(model->config(), input->height, input->width); !shape) return failed(shape.error());
    state.model = new (std::nothrow) loaded{*std::move(model), p};
    if (state.model == nullptr) return failed(cvt::error::out_of_memory("session", sizeof(loaded)));
    return done();
}

/// Describes the model, as JSON.
EXPORT(describe) const char* describe() {
    text& out = state.json;
    out.clear();
    const cvt::model& m = state.model->model;
    const cvt::model_info& info = m.info();
    const cvt::config& c = m.config();
    out.put("{");
    for (const auto& [field, value] :
         {std::pair{"variant", info.variant}, std::pair{"container", info.container}, std::pair{"naming", info.naming},
          std::pair{"activation", cvt::to_string(c.gelu)}, std::pair{"activationFrom", info.gelu_from}, std::pair{"kernels", m.kernels()},
          std::pair{"precision", cvt::to_string(m.precision())}, std::pair{"scores", to_string(info.scores)}}) {
        out.name(field);
        out.string(value);
    }
    for (const auto& [field, value] :
         {std::pair{"parameters", m.parameters()}, std::pair{"bytes", static_cast<std::int64_t>(m.memory_bytes())},
          std::pair{"channels", std::int64_t{c.num_channels}}, std::pair{"classes", std::int64_t{c.num_classes}},
          std::pair{"embedding", std::int64_t{c.last_stage().embed_dim}}}) {
        out.name(field);
        out.count(value);
    }
    out.name("hasAttention");
    out.put(c.uses_cls_token() ? "true" : "false");
    out.name("input");
    if (const std::optional<cvt::grid> size = cvt::output_size(state.model->preprocessing)) {
        out.put("{");
        out.put("\"height\":");
        out.count(size->height);
        out.put(",\"width\":");
        out.count(size->width);
        out.put("}");
    } else {
        out.put("null");
    }
    out.name("labels");
    out.put("[");
    for (int i = 0; i < c.num_classes; ++i) {
        if (i != 0) out.put(",");
        out.string(m.label(i));
    }
    out.put("]");
    out.name("warnings");
    out.put("[");
    const cvt::warning_list& warnings = m.warnings();
    for (int i = 0; i < warnings.count && i < cvt::warning_list::capacity; ++i) {
        if (i != 0) out.put(",");
        out.string(warnings.text[i]);
    }
    out.put("]");
    return finish("description");
}

/// Decodes a picture file, which becomes the input. `turn`: as its EXIF tag says.
EXPORT(decode) int decode(const std::byte* file, std::size_t size, int turn) {
    forget_input();
    cvt::result<cvt::image> picture = cvt::decode({file, size}, turn != 0 ? cvt::orientation::exif : cvt::orientation::ignore);
    if (!picture) return failed(picture.error());
    state.picture = *std::move(picture);
    state.pixels = state.picture.view();
    return done();
}

/// Makes pixels in memory the input: (height, width, channels) bytes, which must stay there until the run.
EXPORT(use_pixels) void use_pixels(const std::uint8_t* pixels, int width, int height, int channels) {
    forget_input();
    state.pixels = {.data = pixels, .width = width, .height = height, .channels = channels};
}

/// Makes a normalised tensor in memory the input: (channels, height, width) floats, which must stay there until the run.
EXPORT(use_tensor) void use_tensor(const float* values, int channels, int height, int width) {
    forget_input();
    state.tensor = cvt::view<const float, 3>{values, channels, height, width};
    state.has_tensor = true;
}

/// Pixels of the decoded picture, (height, width, 3).
EXPORT(picture_pixels) const std::uint8_t* picture_pixels() { return state.picture.pixels.data(); }
EXPORT(picture_width) int picture_width() { return state.picture.width; }
EXPORT(picture_height) int picture_height() { return state.picture.height; }

/// Runs the model on the input, and ranks the best `top` classes.
EXPORT(run) int run(int logits, int embedding, int attention, int top) {
    if (cvt::error e = prepare(logits != 0, embedding != 0, attention != 0)) return failed(e);
    const cvt::outputs out{.logits = state.logits.span(), .embedding = state.embedding.span(), .cls_attention = state.attention.span()};
    if (logits != 0 && state.logits.size() == 0)
        return failed(cvt::error::format(cvt::errc::invalid_argument, "logits: the model has no head; ask for its embedding"));
    cvt::session& session = state.model->session;
    const cvt::view<const float, 3>& t = state.tensor;
    const cvt::error e = state.has_tensor ? session.run(cvt::view<const float, 4>{t.data(), 1, t.extent(0), t.extent(1), t.extent(2)}, out)
                                          : session.run(std::span{&state.pixels, 1}, out);
    if (e) return failed(e);
    const std::size_t count = std::min(static_cast<std::size_t>(std::max(top, 0)), state.logits.size());
    if (!state.classes.resize(count)) return failed(cvt::error::out_of_memory("classes", count * sizeof(cvt::ranked)));
    cvt::top_k(state.logits.span(), state.classes.span(), state.model->model.info().scores);
    return done();
}

EXPORT(logits) const float* logits() { return state.logits.data(); }
EXPORT(logits_size) std::size_t logits_size() { return state.logits.size(); }
EXPORT(embedding) const float* embedding() { return state.embedding.data(); }
EXPORT(embedding_size) std::size_t embedding_size() { return state.embedding.size(); }
EXPORT(attention) const float* attention() { return state.attention.data(); }
EXPORT(attention_size) std::size_t attention_size() { return state.attention.size(); }

/// Describes the last run, as JSON: its classes, the sizes, and where the attention is on the picture.
EXPORT(summary) const char* summary() {
    text& out = state.json;
    out.clear();
    const cvt::config& c = state.model->model.config();
    out.put("{");
    out.name("classes");
    out.put("[");
    for (const cvt::ranked& r : state.classes.span()) {
        if (&r != state.classes.data()) out.put(",");
        out.put("{");
        out.put("\"index\":");
        out.count(r.index);
        out.put(",\"label\":");
        out.string(state.model->model.label(r.index));
        out.put(",\"probability\":");
        out.number(static_cast<double>(r.probability));
        out.put("}");
    }
    out.put("]");
    const cvt::key_places at = cvt::last_stage_keys(c);
    for (const auto& [field, value] :
         {std::pair{"width", state.pixels.width}, std::pair{"height", state.pixels.height}, std::pair{"inputWidth", state.input.width},
          std::pair{"inputHeight", state.input.height}, std::pair{"heads", c.last_stage().num_heads},
          std::pair{"keysWidth", state.keys.width}, std::pair{"keysHeight", state.keys.height}}) {
        out.name(field);
        out.count(value);
    }
    cvt::image_region region{0, 0, static_cast<double>(state.input.width), static_cast<double>(state.input.height)};
    if (!state.has_tensor) {
        const auto seen = cvt::input_region(state.model->preprocessing, state.pixels.width, state.pixels.height);
        if (seen) region = *seen;
    }
    for (const auto& [field, value] :
         {std::pair{"left", region.left}, std::pair{"top", region.top}, std::pair{"seenWidth", region.width},
          std::pair{"seenHeight", region.height}, std::pair{"firstKey", at.first}, std::pair{"keyStep", at.step}}) {
        out.name(field);
        out.number(value);
    }
    return finish("summary");
}
