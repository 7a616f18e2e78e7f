// worker: a session that decodes, preprocesses and runs the tasks it is given.
#pragma once

#include <atomic>
#include <cvt/audio.hpp>
#include <cvt/extra/decode.hpp>
#include <cvt/session.hpp>
#include <deque>
#include <memory>
#include <vector>

#include "options.hpp"
#include "pipeline/pipeline.hpp"
#include "setup.hpp"

namespace app {

/// The pixel limit for pictures: --max-pixels, or a default by the memory of the machine (200 megapixels of a telephone need 8 GB).
/// Without --max-pixels, all workers together may use half of the machine's memory to decode. The limit is at least the library's
/// default, and at most the largest picture that the library can decode.
cvt::decode_limits picture_limits(const options& o);

/// Consecutive inputs of one size share a forward pass.
class worker : public task_runner {
public:
    /// Starts the threads of --threads. Throws failure as make_pool does.
    worker(const options& o, const setup& s);

    /// Leaves tasks if the photos that are kept for their pictures need too much memory. Also leaves the task of an image whose read was
    /// interrupted, since the image did not fail.
    std::vector<outcome> run(std::deque<task>& tasks, const std::atomic<bool>& cancelled) override;

private:
    cvt::result<cvt::grid> read(const task& t, cvt::image& photo);
    cvt::error draw(outcome& o, std::size_t row);
    [[nodiscard]] bool fits(cvt::grid size) const;
    cvt::error append(const task& t, const cvt::image& photo, cvt::grid size);
    void run_rows(std::vector<outcome>& outcomes);
    cvt::error forward();
    std::string measure(const std::string& path);
    void conclude(outcome& o, std::size_t row);
    [[nodiscard]] std::size_t attention_width() const;

    struct batch_row {
        std::size_t index;  // of its outcome
        cvt::image photo;   // kept while its picture is still to be drawn
    };

    const options& options_;
    const cvt::decode_limits limits_;
    const cvt::config& config_;
    cvt::scoring scores_;
    cvt::thread_pool pool_;
    cvt::image_preprocessor preprocessor_;
    std::optional<cvt::audio_preprocessor> sound_preprocessor_;  // of a model for sounds
    cvt::session session_;

    std::vector<batch_row> rows_;    // of the batch
    cvt::grid size_;                 // of each input in it
    std::vector<float> inputs_;      // (rows, channels, height, width)
    std::vector<float> logits_;      // (rows, classes)
    std::vector<float> embeddings_;  // (rows, width of the last stage)
    std::vector<float> attention_;   // (rows, heads, keys)
};

/// Makes the workers of --workers. Throws failure as their constructor does.
std::vector<std::unique_ptr<task_runner>> make_workers(const options& o, const setup& s);

}  // namespace app
