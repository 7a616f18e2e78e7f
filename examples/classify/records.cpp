// The three formats of a record.
#include "records.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "escape.hpp"
#include "failure.hpp"
#include "interrupt.hpp"

namespace app {
namespace {

std::string fixed(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

// The shortest digits that give the same float again.
std::string exact(float value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

[[noreturn]] void output_failed() {
    if (reader_is_gone(errno)) throw failure{broken_pipe, ""};
    if (errno == EINTR) end_if_interrupted();
    throw failure{some_failed, std::string{"standard output cannot be written: "} + std::strerror(errno)};
}

}  // namespace

record_writer::record_writer(record_file& file, record_format format, std::vector<std::string> labels, int top, columns more)
    : file_{file}, format_{format}, labels_{std::move(labels)}, top_{top}, more_{more}, paint_{file.descriptor()} {
    if (format_ != record_format::csv) return;
    std::string header = "path,ms,error_code,error_message";
    for (int i = 1; i <= top_; ++i) {
        const std::string n = std::to_string(i);
        header += ",index" + n + ",label" + n + ',' + cvt::to_string(more_.scores) + n;
    }
    file_.write(header + (more_.pictures ? ",attention" : "") + (more_.ids ? ",id\n" : "\n"));
}

void record_writer::write(const record& r) {
    switch (format_) {
        case record_format::text: return file_.write(as_text(r));
        case record_format::jsonl: return file_.write(as_json(r));
        case record_format::csv: return file_.write(as_csv(r));
    }
}

std::string record_writer::as_text(const record& r) const {
    std::string out = paint_.bold(terminal_text(r.path));
    if (r.id.type != input_id::kind::none) out += paint_.faint(" (" + terminal_text(r.id.value) + ')');
    out += '\n';
    if (r.problem) return out + "  " + paint_.bad("error:") + ' ' + terminal_text(r.problem.what()) + '\n';
    for (const cvt::ranked& class_ : r.top) {
        const bool value = more_.scores == cvt::scoring::value;
        const auto score = static_cast<double>(class_.probability);
        const std::string shown = value ? fixed(score, 4) : fixed(100.0 * score, 1);
        const std::string& label = labels_[static_cast<std::size_t>(class_.index)];
        const std::string line = std::string(shown.size() < 7 ? 7 - shown.size() : 0, ' ') + shown + (value ? "  " : " %  ") +
                                 (label.empty() ? "class " + std::to_string(class_.index) : terminal_text(label));
        out += (&class_ == r.top.data() ? paint_.good(line) : line) + '\n';
    }
    if (!r.top.empty() && more_.scores == cvt::scoring::sigmoid) out += "  (each class by itself: sigmoids, which need not add up)\n";
    if (r.top.empty()) out += "  done in " + fixed(r.milliseconds, 1) + " ms (a model without a head names no classes)\n";
    if (!r.attention.empty()) out += "  " + paint_.faint("attention:") + ' ' + terminal_text(r.attention) + '\n';
    return out;
}

std::string record_writer::as_json(const record& r) const {
    std::string out = "{\"path\": " + json_string(r.path);
    if (r.id.type != input_id::kind::none) out += ", \"id\": " + r.id.json();
    if (r.problem)
        return out + ", \"error\": {\"code\": " + json_string(cvt::to_string(r.problem.code())) +
               ", \"message\": " + json_string(r.problem.what()) + "}}\n";
    if (!r.top.empty()) {
        out += ", \"top\": [";
        for (const cvt::ranked& class_ : r.top) {
            out += &class_ == r.top.data() ? "" : ", ";
            out += "{\"index\": " + std::to_string(class_.index) +
                   ", \"label\": " + json_string(labels_[static_cast<std::size_t>(class_.index)]) + ", \"" + cvt::to_string(more_.scores) +
                   "\": " + exact(class_.probability) + '}';
        }
        out += ']';
    }
    if (!r.attention.empty()) out += ", \"attention\": " + json_string(r.attention);
    return out + ", \"ms\": " + fixed(r.milliseconds, 3) + "}\n";
}

std::string record_writer::as_csv(const record& r) const {
    std::string out = csv_field(r.path) + ',';
    if (r.problem)
        out += std::string{','} + cvt::to_string(r.problem.code()) + ',' + csv_field(r.problem.what());
    else
        out += fixed(r.milliseconds, 3) + ",,";
    for (std::size_t i = 0; i < static_cast<std::size_t>(top_); ++i) {
        if (r.problem) {
            out += ",,,";
            continue;
        }
        const cvt::ranked& class_ = r.top[i];
        out += ',' + std::to_string(class_.index) + ',' + csv_field(labels_[static_cast<std::size_t>(class_.index)]) + ',' +
               exact(class_.probability);
    }
    if (more_.pictures) out += ',' + csv_field(r.attention);
    if (more_.ids) out += ',' + csv_field(r.id.value);
    return out + '\n';
}

void print(const std::string& text) {
    if (!write_output(text)) output_failed();
}

void finish_output() {
    if (std::ferror(stdout) != 0 || std::fflush(stdout) != 0) output_failed();
}

}  // namespace app
