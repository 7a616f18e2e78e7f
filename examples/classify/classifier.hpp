// classifier: images and tensors in, records and .npy rows out, in batches of equal input size.
#pragma once

#include <cvt/cvt.hpp>
#include <memory>
#include <string>
#include <vector>

#include "npy_output.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "records.hpp"

namespace app {

/// The .npy files asked for; null where not.
struct output_files {
    /// `input_size` is what --dump-input writes. Throws failure (wrong_usage) when one cannot be written.
    output_files(const options& o, const cvt::config& c, std::optional<cvt::grid> input_size);
    std::unique_ptr<npy_output> logits, embedding, input;
};

class classifier {
public:
    classifier(const options& o, cvt::session& session, output_files& files, record_writer& records, progress_bar& progress);

    /// The image in file `path`.
    void add_image(const std::string& path);
    /// A normalised input (channels, height, width).
    void add_tensor(const std::string& name, cvt::view<const float, 3> input);
    /// An input that failed before it got here.
    void add_failed(const std::string& path, const cvt::error& problem);
    /// Runs what waits for its batch to be full. Needed after the last input.
    void flush();

    /// Inputs with a record on standard output, and how many of them failed.
    [[nodiscard]] std::size_t done() const { return done_; }
    [[nodiscard]] std::size_t failed() const { return failed_; }

private:
    struct entry {
        record result;
        bool has_row;  // of the batch, in the order of the entries
    };

    void add(entry&& e);
    cvt::view<float, 3> next_row(cvt::grid size);
    cvt::error read_image(const std::string& path);
    cvt::error forward();
    void run_batch();
    void measure();
    void finish(record& r, std::span<const float> input, std::span<const float> logits, std::span<const float> embedding);

    const options& options_;
    cvt::session& session_;
    const cvt::config& config_;
    output_files& files_;
    record_writer& records_;
    progress_bar& progress_;

    std::vector<entry> waiting_;     // in input order
    std::size_t rows_ = 0;           // inputs in the batch
    cvt::grid size_;                 // of each of them
    std::vector<float> inputs_;      // (rows, channels, height, width)
    std::vector<float> logits_;      // (rows, classes)
    std::vector<float> embeddings_;  // (rows, width of the last stage)
    cvt::image_scratch scratch_;
    std::size_t done_ = 0, failed_ = 0;
};

}  // namespace app
