// A line of standard input as an input: a path, or a JSON object with a path and an id.
#pragma once

#include <cvt/error.hpp>
#include <cvt/extra/json.hpp>
#include <string>

namespace app {

/// Whether the line is meant as JSON. A file whose name begins with a brace is given as ./{...
inline bool looks_like_json(const std::string& line) { return line.starts_with('{'); }

/// What the caller calls an image; comes back in its record.
struct input_id {
    enum class kind { none, integer, text };
    kind type = kind::none;
    std::string value;

    /// Empty where there is none.
    [[nodiscard]] std::string json() const;
};

struct manifest_line {
    std::string path;
    input_id id;
};

/// {"path": "a.jpg", "id": "42"}; other keys are allowed. Errors: malformed.
cvt::result<manifest_line> parse_manifest_line(const std::string& line);

/// "path" and "id" of an object, which records have too: those of a line that named no file hold whatever the line did.
/// Errors: malformed.
cvt::result<manifest_line> path_and_id(const cvt::json_value& object);

}  // namespace app
