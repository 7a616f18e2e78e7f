// The three record formats: exact keys, order, escapes, errors as records.
#include "classify.hpp"
#include "pictures.hpp"

using namespace cvt_test;

namespace {

// RFC 4180.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
    std::vector<std::vector<std::string>> rows;
    std::vector<std::string> row{""};
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"')
            row.back() += text[++i];
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == ',')
            row.emplace_back();
        else if (!quoted && c == '\n')
            rows.push_back(std::exchange(row, {""}));
        else
            row.back() += c;
    }
    REQUIRE_FALSE(quoted);
    REQUIRE(row == std::vector<std::string>{""});
    return rows;
}

std::vector<std::string> keys_of(const json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : object.items()) keys.push_back(key);
    return keys;  // nlohmann sorts them
}

}  // namespace

TEST_CASE("a JSON record has exactly the documented keys", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    const outcome o = classify({"--format", "jsonl", photo, folder / "missing.png"});
    CHECK(o.code == 1);
    const auto records = o.records();
    REQUIRE(records.size() == 2);

    CHECK(keys_of(records[0]) == std::vector<std::string>{"ms", "path", "top"});
    CHECK(records[0]["path"] == photo);
    CHECK(records[0]["ms"].get<double>() > 0);
    REQUIRE(records[0]["top"].size() == 5);
    double sum = 0, last = 1;
    for (const json& entry : records[0]["top"]) {
        CHECK(keys_of(entry) == std::vector<std::string>{"index", "label", "probability"});
        const double p = entry["probability"].get<double>();
        CHECK(p <= last);
        last = p;
        sum += p;
    }
    CHECK(sum > 5.0 / class_count);  // the most likely ones
    CHECK(sum < 1 + 1e-6);

    CHECK(keys_of(records[1]) == std::vector<std::string>{"error", "path"});
    CHECK(keys_of(records[1]["error"]) == std::vector<std::string>{"code", "message"});
    CHECK(records[1]["error"]["code"] == "io");
    CHECK(records[1]["error"]["message"].get<std::string>().find("missing.png") != std::string::npos);
}

TEST_CASE("--top-k sets the number of classes in a record, at most all", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    CHECK(classify({"--format", "jsonl", "--top-k", "1", photo}).records().at(0)["top"].size() == 1);
    const json all = classify({"--format", "jsonl", "--top-k", "999", photo}).records().at(0)["top"];
    REQUIRE(all.size() == class_count);
    std::vector<int> indices;
    double sum = 0;
    for (const json& entry : all) {
        indices.push_back(entry["index"].get<int>());
        sum += entry["probability"].get<double>();
    }
    std::sort(indices.begin(), indices.end());
    for (int i = 0; i < class_count; ++i) CHECK(indices[static_cast<std::size_t>(i)] == i);
    CHECK(sum == Approx(1).margin(1e-6));
}

TEST_CASE("any path gives valid JSON, CSV and text", "[cli]") {
    const temporary_folder folder;
    const std::string odd[]{
        "caf\xC3\xA9 \"quoted\", comma.png", "back\\slash\ttab.png",  "new\nline.png",       "latin1-\xE9.png", "cut-\xF0\x9F\x98.png",
        "surrogate-\xED\xA0\x80.png",        "overlong-\xC0\xAF.png", "control-\xC2\x9B.png"};
    std::vector<std::string> arguments{"--format", "jsonl", "--top-k", "1"};
    for (const std::string& name : odd) arguments.push_back(write_png(folder / name));
    const outcome as_json = classify(arguments);
    CHECK(as_json.code == 0);
    const auto records = as_json.records();  // throws on invalid UTF-8
    REQUIRE(records.size() == std::size(odd));
    for (std::size_t i = 0; i < 3; ++i) CHECK(records[i]["path"] == folder / odd[i]);
    const std::string replacement = "\xEF\xBF\xBD";
    CHECK(records[3]["path"] == folder / ("latin1-" + replacement + ".png"));
    CHECK(records[4]["path"] == folder / ("cut-" + replacement + replacement + replacement + ".png"));
    CHECK(records[5]["path"] == folder / ("surrogate-" + replacement + replacement + replacement + ".png"));
    CHECK(records[6]["path"] == folder / ("overlong-" + replacement + replacement + ".png"));

    arguments[1] = "csv";
    const auto rows = parse_csv(classify(arguments).out);
    REQUIRE(rows.size() == 1 + std::size(odd));
    for (std::size_t i = 0; i < std::size(odd); ++i) CHECK(rows[i + 1][0] == folder / odd[i]);

    arguments[1] = "text";
    const auto lines = lines_of(classify(arguments).out);
    REQUIRE(lines.size() == 2 * std::size(odd));  // a newline in a name does not begin a record
    CHECK(lines[4] == folder / "new\\x0aline.png");
    CHECK(lines[0] == folder / odd[0]);
    CHECK(lines[14] == folder / "control-\\xc2\\x9b.png");  // to a terminal, U+009B begins a control sequence
}

TEST_CASE("a CSV record has the columns of its header", "[cli]") {
    const temporary_folder folder;
    const std::string good = write_jpeg(folder / "a.jpg"), bad = folder / "b, c.jpg";
    std::ofstream{bad} << "not a JPEG, \"really\"";
    const outcome o = classify({"--format", "csv", "--top-k", "2", good, bad});
    CHECK(o.code == 1);
    const auto rows = parse_csv(o.out);
    REQUIRE(rows.size() == 3);
    CHECK(rows[0] == std::vector<std::string>{"path", "ms", "error_code", "error_message", "index1", "label1", "probability1", "index2",
                                              "label2", "probability2"});
    const json expected = classify({"--format", "jsonl", "--top-k", "2", good}).records().at(0);
    REQUIRE(rows[1].size() == rows[0].size());
    CHECK(rows[1][0] == good);
    CHECK(rows[1][2].empty());
    for (std::size_t i = 0; i < 2; ++i) {
        const json& entry = expected["top"][i];
        CHECK(rows[1][4 + 3 * i] == std::to_string(entry["index"].get<int>()));
        CHECK(rows[1][5 + 3 * i] == entry["label"].get<std::string>());
        CHECK(std::stof(rows[1][6 + 3 * i]) == entry["probability"].get<float>());
    }
    REQUIRE(rows[2].size() == rows[0].size());
    CHECK(rows[2][0] == bad);
    CHECK_FALSE(rows[2][2].empty());
    CHECK_FALSE(rows[2][3].empty());
    CHECK(rows[2][4].empty());
}

TEST_CASE("text is a path and its classes in per cent", "[cli]") {
    const temporary_folder folder;
    const std::string photo = write_png(folder / "a.png");
    const outcome o = classify({"--top-k", "3", photo, folder / "missing.jpg"});
    CHECK(o.code == 1);
    const json top = classify({"--format", "jsonl", "--top-k", "3", photo}).records().at(0)["top"];
    const auto lines = lines_of(o.out);
    REQUIRE(lines.size() == 6);
    CHECK(lines[0] == photo);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(std::stod(lines[i + 1]) == Approx(100 * top[i]["probability"].get<double>()).margin(0.051));
        CHECK(lines[i + 1].ends_with(" %  " + top[i]["label"].get<std::string>()));
    }
    CHECK(lines[5].starts_with("  error: "));
    CHECK(o.err.find("1 of 2 inputs failed") != std::string::npos);
}
