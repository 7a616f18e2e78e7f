// embedder.hpp: the reader thread hashes the files or chunks and asks the cache, the workers compute, the calling thread extends the cache.
#include "pipeline/embedder.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cvt/audio.hpp>
#include <cvt/shape.hpp>
#include <cvt/test_pattern.hpp>
#include <cvt/version.hpp>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "input/file_bytes.hpp"
#include "output/progress.hpp"
#include "pipeline/chunk_source.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/worker.hpp"

namespace app {
namespace {

/// A part of a picture, perhaps mirrored. Odd views are mirrored; from the third on they are crops of 7/8 of each side, at a corner.
cvt::image_view view_of(const cvt::image& photo, int number, std::vector<std::uint8_t>& mirrored) {
    cvt::image_view v = photo.view();
    if (number >= 2) {
        const int corner = number / 2 - 1, width = std::max(1, v.width * 7 / 8), height = std::max(1, v.height * 7 / 8);
        const std::ptrdiff_t x = corner % 2 == 0 ? 0 : v.width - width, y = corner / 2 == 0 ? 0 : v.height - height;
        v.row_stride = std::ptrdiff_t{3} * v.width;
        v.data += y * v.row_stride + 3 * x;
        v.width = width;
        v.height = height;
    }
    if (number % 2 == 0) return v;
    const std::ptrdiff_t stride = v.row_stride == 0 ? std::ptrdiff_t{3} * v.width : v.row_stride;
    mirrored.resize(static_cast<std::size_t>(v.width) * static_cast<std::size_t>(v.height) * 3);
    std::uint8_t* to = mirrored.data();
    for (int row = 0; row < v.height; ++row)
        for (int column = v.width - 1; column >= 0; --column, to += 3)
            std::copy_n(v.data + row * stride + std::ptrdiff_t{3} * column, 3, to);
    return {.data = mirrored.data(), .width = v.width, .height = v.height};
}

class embedder : public task_runner {
public:
    embedder(const options& o, const setup& s, int views)
        : options_{o},
          limits_{picture_limits(o)},
          views_{views},
          pool_{make_pool(o.threads)},
          session_{s.model, {.executor = pool_.as_executor(), .preprocessing = s.preprocessing}} {
        if (s.spectrogram) sound_preprocessor_.emplace(*s.spectrogram);
    }

    std::vector<outcome> run(std::deque<task>& tasks, const std::atomic<bool>& cancelled) override {
        std::vector<outcome> outcomes;
        while (!tasks.empty() && !cancelled && !interrupt_requested()) {
            outcomes.push_back(embed(tasks.front()));
            tasks.pop_front();
        }
        return outcomes;
    }

private:
    outcome embed(task& t) {
        outcome o{.result = {std::move(t.image.path), {}, t.image.error, {}, 0, {}, t.image.span},
                  .embedding = std::move(t.embedding),
                  .number = t.number,
                  .photo = t.photo,
                  .missing_views = std::move(t.missing_views)};
        if (o.result.error || o.missing_views.empty()) return o;
        if (sound_preprocessor_) {
            o.result.error = embed_chunk(t.samples, o.embedding);
            return o;
        }
        const cvt::result<cvt::image> photo = cvt::decode(*t.image.data, options_.orient.value_or(cvt::orientation::exif), limits_);
        o.result.error = photo.error();
        const std::size_t width = o.embedding.size() / static_cast<std::size_t>(views_);
        for (std::size_t i = 0; !o.result.error && i < o.missing_views.size(); ++i) {
            const int number = o.missing_views[i];
            const std::span<float> row = std::span{o.embedding}.subspan(static_cast<std::size_t>(number) * width, width);
            o.result.error = session_.embedding(view_of(*photo, number, mirrored_), row);
            if (!o.result.error) o.result.error = check(row);
        }
        return o;
    }

    cvt::error embed_chunk(std::span<const float> samples, std::span<float> row) {
        const cvt::spectrogram& s = sound_preprocessor_->spectrogram();
        spectrogram_.resize(static_cast<std::size_t>(s.mels) * static_cast<std::size_t>(s.frames()));
        const cvt::view<float, 3> input{spectrogram_.data(), 1, s.mels, s.frames()};
        if (cvt::error e = sound_preprocessor_->run(samples, input)) return e;
        if (cvt::error e = session_.embedding(input, row)) return e;
        return check(row);
    }

    static cvt::error check(std::span<const float> row) {
        if (std::all_of(row.begin(), row.end(), [](float v) { return std::isfinite(v); })) return {};
        return cvt::error::format(cvt::errc::invalid_argument, "the embedding contains NaN or infinite values");
    }

    const options& options_;
    const cvt::decode_limits limits_;
    int views_;
    cvt::thread_pool pool_;
    cvt::session session_;
    std::optional<cvt::audio_preprocessor> sound_preprocessor_;  // of a model for sounds
    std::vector<std::uint8_t> mirrored_;
    std::vector<float> spectrogram_;
};

class path_source : public task_source {
public:
    explicit path_source(const std::vector<std::string>& paths) : paths_{paths} {}
    std::optional<task> next() override {
        if (next_ == paths_.size()) return std::nullopt;
        task t;
        t.number = next_;
        t.image.path = paths_[next_++];
        return t;
    }

private:
    const std::vector<std::string>& paths_;
    std::size_t next_ = 0;
};

/// Adds what the cache has of each photo or chunk. A photo is known by the bytes of its file, a chunk by its samples.
class cached_source : public task_source {
public:
    cached_source(task_source& inputs, const options& o, const embedding_cache& cache, std::size_t width, int views)
        : inputs_{inputs}, limits_{picture_limits(o)}, cache_{cache}, width_{width}, views_{views} {}

    std::optional<task> next() override {
        std::optional<task> t = inputs_.next();
        if (!t || t->image.error) return t;
        std::vector<std::byte> bytes;
        if (t->samples.empty()) {
            cvt::result<std::vector<std::byte>> file = read_bytes(t->image.path, limits_.max_bytes);
            t->image.error = file.error();
            if (!file) return t;
            bytes = *std::move(file);
        }
        t->photo = sha256_of(t->samples.empty() ? std::span<const std::byte>{bytes} : std::as_bytes(std::span{t->samples}));
        t->embedding.resize(width_ * static_cast<std::size_t>(views_));
        for (int v = 0; v < views_; ++v)
            if (!cache_.find(t->photo, static_cast<std::uint32_t>(v),
                             std::span{t->embedding}.subspan(static_cast<std::size_t>(v) * width_, width_)))
                t->missing_views.push_back(v);
        if (t->missing_views.empty())
            t->samples.clear();
        else if (t->samples.empty())
            t->image.data = std::move(bytes);
        return t;
    }

private:
    task_source& inputs_;
    const cvt::decode_limits limits_;
    const embedding_cache& cache_;
    std::size_t width_;
    int views_;
};

class embedding_sink : public outcome_sink {
public:
    embedding_sink(embedding_cache& cache, embedded_photos& out) : cache_{cache}, out_{out} {}

    bool take(outcome& o, std::optional<std::size_t> total) override {
        const std::size_t index = o.number;
        done_ = index + 1;
        if (o.result.error) {
            progress_.clear();
            std::fprintf(stderr, "classify: %s: %s\n", terminal_text(o.result.path).c_str(), terminal_text(o.result.error.what()).c_str());
            out_.failures.push_back({index, cvt::to_string(o.result.error.code()), o.result.error.what(), o.result.span});
        } else {
            for (const int v : o.missing_views)
                cache_.add(o.photo, static_cast<std::uint32_t>(v),
                           std::span{o.embedding}.subspan(static_cast<std::size_t>(v) * out_.width, out_.width));
            out_.cached += o.missing_views.empty() ? 1U : 0U;
            out_.photos.push_back({index, o.photo, o.result.span});
            out_.embeddings.insert(out_.embeddings.end(), o.embedding.begin(), o.embedding.end());
        }
        progress_.show(done_, total);
        return true;
    }
    [[nodiscard]] std::size_t done() const { return done_; }

private:
    embedding_cache& cache_;
    embedded_photos& out_;
    progress_bar progress_;
    std::size_t done_ = 0;
};

std::size_t width_of(const setup& s) { return static_cast<std::size_t>(s.model.config().last_stage().embed_dim); }

// Returns the hash of everything that an embedding depends on besides the photo. The embedding of a generated image stands for the
// encoder's weights and arithmetic; the preprocessing and this version's decoders come in addition.
digest model_digest(const options& o, const setup& s, std::size_t width) {
    const cvt::config& c = s.model.config();
    const std::optional<cvt::grid> fixed = cvt::output_size(s.preprocessing);
    const int least = cvt::minimum_input(c), height = std::max(least, fixed ? fixed->height : 224),
              columns = std::max(least, fixed ? fixed->width : 224);
    std::vector<float> image(static_cast<std::size_t>(c.num_channels) * static_cast<std::size_t>(height) *
                             static_cast<std::size_t>(columns));
    std::vector<float> embedding(width);
    cvt::fill_formula_image(image, 0);
    const cvt::thread_pool pool = make_pool(o.threads);
    cvt::session session{s.model, {.executor = pool.as_executor()}};
    if (const cvt::error e = session.embedding(cvt::view<const float, 3>{image.data(), c.num_channels, height, columns}, embedding))
        throw failure{some_failed, e.what()};

    const cvt::preprocessing& p = s.preprocessing;
    std::string rules =
        text("%s %d %d %d %d %d %d %d %d %d %.17g %d %d", CVT_VERSION_STRING, static_cast<int>(p.resize), p.short_side, p.resize_height,
             p.resize_width, static_cast<int>(p.resample), p.center_crop ? 1 : 0, p.crop_height, p.crop_width, static_cast<int>(p.rounding),
             p.rescale_factor, p.normalize ? 1 : 0, static_cast<int>(o.orient.value_or(cvt::orientation::exif)));
    for (const float v : p.mean) rules += text(" %.9g", static_cast<double>(v));
    for (const float v : p.std) rules += text(" %.9g", static_cast<double>(v));
    if (s.spectrogram) {
        const cvt::spectrogram& r = *s.spectrogram;
        rules += text(" %d %d %d %d %d %d %.17g %.17g %d %d %.17g %d %.17g %.17g %d %.17g %.17g %d", r.rate, r.length, r.n_fft, r.window,
                      r.hop, r.mels, r.f_min, r.f_max, static_cast<int>(r.scale), r.slaney_norm ? 1 : 0, r.power,
                      static_cast<int>(r.loudness), r.floor, r.top_db, r.min_max ? 1 : 0, r.mean, r.deviation, static_cast<int>(r.padding));
    }
    sha256 hash;
    hash.add(std::as_bytes(std::span{embedding}));
    hash.add(std::as_bytes(std::span{rules}));
    return hash.finish();
}

}  // namespace

embedding_cache open_cache(const options& o, const setup& s) {
    if (o.cache.empty()) return {};
    const std::size_t width = width_of(s);
    return {o.cache, model_digest(o, s, width), width};
}

embedded_photos embed_photos(const options& o, const setup& s, const std::vector<std::string>& paths, int views, embedding_cache& cache) {
    embedded_photos out;
    out.width = width_of(s);
    out.photos.reserve(paths.size());
    out.embeddings.reserve(paths.size() * static_cast<std::size_t>(views) * out.width);
    std::size_t done = 0;
    {
        read_control control;
        std::vector<std::unique_ptr<task_runner>> runners;
        for (int i = 0; i < o.workers; ++i) runners.push_back(std::make_unique<embedder>(o, s, views));
        pipeline line{std::move(runners), 1, control};
        path_source files{paths};
        std::optional<chunk_source> chunks;
        if (s.spectrogram) chunks.emplace(files, o, *s.spectrogram, nullptr, control);
        cached_source source{chunks ? static_cast<task_source&>(*chunks) : files, o, cache, out.width, views};
        embedding_sink sink{cache, out};
        line.run(source, sink, paths.size());
        done = sink.done();
    }
    if (interrupt_requested()) {
        std::fprintf(stderr, "classify: interrupted after %zu of %zu %s%s\n", done, paths.size(), s.spectrogram ? "recordings" : "photos",
                     o.cache.empty() ? "; --cache FILE would keep them" : ", which the cache keeps");
        end_if_interrupted();
    }
    return out;
}

}  // namespace app
