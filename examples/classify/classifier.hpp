// classifier: images and tensors in; records, .npy rows and pictures out, in the order of the inputs.
#pragma once

#include <cvt/tensor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "attention.hpp"
#include "crew.hpp"
#include "inputs.hpp"
#include "npy_output.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "records.hpp"
#include "setup.hpp"

namespace app {

/// The .npy files and the pictures asked for; null where not.
struct output_files {
    /// `input_size` is what --dump-input writes. Throws failure (wrong_usage) when one cannot be written.
    output_files(const options& o, const cvt::config& c, std::optional<cvt::grid> input_size);
    /// Makes the arrays ones of no rows. Throws failure (wrong_usage).
    void begin();
    std::unique_ptr<npy_output> logits, embedding, input;
    std::unique_ptr<attention_writer> attention;
};

class classifier {
public:
    /// `take` gets the record of every input, in their order. Begins `files`. Throws failure as they and crew do.
    classifier(const options& o, const setup& s, output_files& files, std::function<void(const record&)> take, progress_bar& progress);

    /// An image, or an input that failed before it got here.
    void add_image(input&& image);
    /// A normalised input (channels, height, width), which must stay where it is until the last flush().
    void add_tensor(const std::string& name, cvt::view<const float, 3> input);
    /// Whether inputs wait for their record.
    [[nodiscard]] bool busy() const { return !waiting_.tasks.empty() || crew_.busy(); }
    /// Brings those records nearer: runs what waits for its batch to be full; where that runs already, waits a moment for it.
    void advance();
    /// Runs and reports all of them. Needed after the last input.
    void flush();

    /// An input of which another run has the record failed here.
    void count_failed_elsewhere() { ++failed_elsewhere_; }

    /// Inputs whose records were handed on, and how many of them failed.
    [[nodiscard]] std::size_t done() const { return done_; }
    [[nodiscard]] std::size_t failed() const { return failed_; }
    [[nodiscard]] std::size_t failed_elsewhere() const { return failed_elsewhere_; }
    /// Whether more inputs failed, here and elsewhere, than --max-errors allows. No record follows that of the last of them.
    [[nodiscard]] bool stopped() const { return options_.max_errors && failed_ + failed_elsewhere_ > *options_.max_errors; }

private:
    void add(task&& t);
    void hand_out();
    bool report(outcome& o);

    const options& options_;
    output_files& files_;
    std::function<void(const record&)> take_;
    progress_bar& progress_;
    job waiting_;                    // for its batch to be full
    std::size_t waiting_bytes_ = 0;  // of files in it
    std::size_t done_ = 0, failed_ = 0, failed_elsewhere_ = 0;
    crew crew_;  // last: its workers end before the rest does
};

}  // namespace app
