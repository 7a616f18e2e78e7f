// worker: a session of its own that decodes, preprocesses and runs the inputs of one job after another.
#pragma once

#include <atomic>
#include <cvt/extra/decode.hpp>
#include <cvt/session.hpp>
#include <vector>

#include "job.hpp"
#include "options.hpp"
#include "picture_limits.hpp"
#include "setup.hpp"
#include "threads.hpp"

namespace app {

class worker {
public:
    /// Starts the threads of --threads. Throws failure as make_pool does.
    worker(const options& o, const setup& s);
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    /// Replaces the job's outcomes by those of its next tasks: of all that are left, unless an interrupt, `leave` or photos that
    /// need too much memory come between. What inputs of one size come after each other share a forward pass.
    void run(job& j, const std::atomic<bool>& leave);

private:
    cvt::result<cvt::grid> read(const task& t, cvt::image& photo);
    [[nodiscard]] bool fits(cvt::grid size) const;
    cvt::error append(const task& t, const cvt::image& photo, cvt::grid size);
    void run_rows(job& j);
    cvt::error forward();
    std::string measure(const std::string& path);
    void conclude(outcome& o, std::size_t row);
    [[nodiscard]] std::size_t attention_width() const;

    struct batch_row {
        std::size_t index;  // of its outcome
        cvt::image photo;   // kept while a picture is to be made of it
    };

    const options& options_;
    const cvt::decode_limits limits_ = picture_limits(options_);
    const cvt::config& config_;
    cvt::scoring scores_;
    cvt::thread_pool pool_;
    cvt::image_preprocessor preprocessor_;
    cvt::session session_;

    std::vector<batch_row> rows_;    // of the batch
    cvt::grid size_;                 // of each of its inputs
    std::vector<float> inputs_;      // (rows, channels, height, width)
    std::vector<float> logits_;      // (rows, classes)
    std::vector<float> embeddings_;  // (rows, width of the last stage)
    std::vector<float> attention_;   // (rows, heads, keys)
};

}  // namespace app
