// manifest.hpp: reads lines with the library's JSON reader.
#include "input/manifest.hpp"

namespace app {

cvt::result<identified_path> parse_manifest_line(const std::string& line) {
    const cvt::result<cvt::json> document = cvt::json::parse(line);
    if (!document)
        return cvt::error::format(cvt::errc::malformed,
                                  "expected a JSON object in a line that begins with { (for a file of that name, write ./{...): %s",
                                  document.error().what());
    cvt::result<identified_path> named = path_and_id(document->root());
    if (named && (named->path.empty() || named->path.find('\0') != std::string::npos))
        return cvt::error::format(
            cvt::errc::malformed, "\"path\": %s",
            named->path.empty() ? "expected a file name, found an empty string" : "expected a file name, found a NUL byte in it");
    return named;
}

}  // namespace app
