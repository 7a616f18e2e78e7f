// record: the output of one input, an image or a chunk of a recording. record_schema: writes records as text, JSON lines or CSV, and
// recognises its own JSON lines.
#pragma once

#include <cvt/error.hpp>
#include <cvt/top_k.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/input_id.hpp"
#include "options.hpp"
#include "output/terminal.hpp"

namespace app {

struct record {
    std::string path;
    input_id id;
    cvt::error error;                              ///< set if the input failed; then the members below have no meaning
    std::vector<cvt::ranked> top;                  ///< most probable first; empty for a model without a head
    double milliseconds = 0;                       ///< from opening the file to the logits, with an equal share of the batch's forward pass
    std::string attention;                         ///< path of the picture of --attention; empty without one
    std::optional<time_span> span = std::nullopt;  ///< of a chunk; null if the recording has none
};

class record_schema {
public:
    /// What a CSV header must announce.
    struct columns {
        bool pictures = false, ids = false, spans = false;
        cvt::scoring scores = cvt::scoring::softmax;
    };

    /// `labels` by class index, empty strings for classes without one; `top` classes in every record of an input that did not fail.
    record_schema(record_format format, std::vector<std::string> labels, int top, columns more, paint colours);

    /// The line before the first record; empty unless the format is CSV.
    [[nodiscard]] std::string header() const;
    /// The record with the newline at its end. Text may have several lines.
    [[nodiscard]] std::string line(const record& r) const;

private:
    [[nodiscard]] std::string as_text(const record& r) const;
    [[nodiscard]] std::string as_json(const record& r) const;
    [[nodiscard]] std::string as_csv(const record& r) const;

    record_format format_;
    std::vector<std::string> labels_;
    int top_;
    columns more_;
    paint paint_;
};

/// What a run that resumes needs to know of a record.
struct record_key {
    std::string path;
    input_id id;
    bool failed;
    std::optional<time_span> span;
};

/// Reads a whole line of --format jsonl, without its newline. Errors: malformed (it is not a record).
cvt::result<record_key> parse_record(const std::string& line);

/// Whether `text` can be the beginning of such a line, followed by the zeros that a crash of the machine leaves. Anything else is a file
/// that classify did not write.
bool may_be_incomplete_record(std::string_view text);

}  // namespace app
