// output/: records, which are written and recognised by one module; arrays and record files.
#include <catch2/catch.hpp>
#include <cmath>
#include <cvt/extra/npy.hpp>

#include "common/failure.hpp"
#include "output/npy_rows.hpp"
#include "output/record_file.hpp"
#include "output/record_schema.hpp"
#include "support/temporary_folder.hpp"
#include "support/text_files.hpp"

namespace {

app::record record_of(const std::string& path, const app::input_id& id, bool failed, bool headless, const std::string& picture) {
    app::record r;
    r.path = path;
    r.id = id;
    if (failed) r.error = cvt::error::format(cvt::errc::io, "cannot open \"%s\"", path.c_str());
    if (!headless) r.top = {{1, 0.75F}, {0, 0.25F}};
    r.attention = picture;
    r.milliseconds = 12.5;
    return r;
}

app::record_schema schema_of(app::record_format format) {
    return {format, {"dog", "cat, \"tabby\""}, 2, {.pictures = true, .ids = true}, app::paint{-1}};
}

}  // namespace

TEST_CASE("every record that is written is recognised, whole and cut anywhere", "[output]") {
    const app::record_schema schema = schema_of(app::record_format::jsonl);
    using kind = app::input_id::kind;
    const auto check = [&](const std::string& path, const app::record& r) {
        const std::string line = schema.line(r);
        CAPTURE(line);
        REQUIRE(line.ends_with('\n'));
        const std::string text = line.substr(0, line.size() - 1);
        const auto found = app::parse_record(text);
        REQUIRE(found);
        CHECK(found->path == (path == "bad\xFF" ? "bad\xEF\xBF\xBD" : path));
        CHECK(found->id.json() == r.id.json());
        CHECK(found->failed == static_cast<bool>(r.error));
        REQUIRE(found->span.has_value() == r.span.has_value());
        if (r.span) CHECK((found->span->start == r.span->start && found->span->end == r.span->end));
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            CAPTURE(cut);
            REQUIRE(app::may_be_incomplete_record(text.substr(0, cut)));
            REQUIRE(app::may_be_incomplete_record(text.substr(0, cut) + std::string(3, '\0')));
        }
    };
    for (const std::string path : {"a.jpg", "", "quote\"back\\slash\n", "\xC3\xA4.png", "bad\xFF"})
        for (const app::input_id& id : {app::input_id{}, app::input_id{kind::integer, "-42"}, app::input_id{kind::text, "x\"y\\"}})
            for (const bool failed : {false, true})
                for (const bool headless : {false, true})
                    for (const std::string picture : {"", "heat/a.png"}) {
                        app::record r = record_of(path, id, failed, headless, picture);
                        check(path, r);
                        for (const app::time_span span : {app::time_span{0, 6}, {1.0 / 3, 100000}, {1e-5, 4e9}}) {
                            r.span = span;
                            check(path, r);
                        }
                    }
}

TEST_CASE("text that classify did not write is not an incomplete record", "[output]") {
    for (const std::string text :
         {"hello", "{\"id\": 1", "{\"path\":\"a\"", "{\"path\": 7", "{\"path\": \"a\", \"label\": ", "{\"path\": \"a\"} and more",
          "{\"path\": \"a\", \"id\": 7}", "{\"path\": \"a\", \"id\": x", "{\"path\": \"a\", \"end\": 1",
          "{\"path\": \"a\", \"start\": 1, \"ms\"", "{\"path\": \"a\", \"start\": x"})
        CHECK_FALSE(app::may_be_incomplete_record(text));
    CHECK_FALSE(app::may_be_incomplete_record(std::string("{\"path\": \"a\"\0x", 14)));
    for (const std::string line :
         {"", "{}", "[]", "{\"path\": \"a\"}", "{\"path\": 1, \"ms\": 1}", "{\"path\": \"a\", \"id\": 1.5, \"ms\": 1}",
          "{\"path\": \"a\", \"start\": 1, \"ms\": 1}", "{\"path\": \"a\", \"start\": \"0\", \"end\": 6, \"ms\": 1}"})
        CHECK_FALSE(app::parse_record(line));
}

TEST_CASE("CSV has the same number of fields in its header and in each record", "[output]") {
    const app::record_schema schema = schema_of(app::record_format::csv);
    CHECK(schema.header() == "path,ms,error_code,error_message,index1,label1,probability1,index2,label2,probability2,attention,id\n");
    CHECK(schema.line(record_of("a", {app::input_id::kind::integer, "7"}, false, false, "p.png")) ==
          "a,12.500,,,1,\"cat, \"\"tabby\"\"\",0.75,0,dog,0.25,p.png,7\n");
    CHECK(schema.line(record_of("a", {}, true, false, "")) == "a,,io,\"cannot open \"\"a\"\"\",,,,,,,,\n");
    CHECK(schema_of(app::record_format::jsonl).header().empty());
}

TEST_CASE("text for people escapes control characters", "[output]") {
    const std::string text = schema_of(app::record_format::text).line(record_of("a\x1b[2J", {}, false, false, ""));
    CHECK(text == "a\\x1b[2J\n   75.0 %  cat, \"tabby\"\n   25.0 %  dog\n");
}

TEST_CASE("a record file is appended to, cut, and refused if it has records", "[output]") {
    const cvt_test::temporary_folder folder;
    app::options o;
    o.out = folder / "r.jsonl";
    o.format = app::record_format::jsonl;
    {
        app::record_file file{o};
        file.write("one\n");
        file.write("tw");
        CHECK_THROWS_AS(app::record_file{o}, app::failure);  // locked
        file.finish();
    }
    CHECK_THROWS_AS(app::record_file{o}, app::failure);  // not empty
    o.resume = true;
    app::record_file file{o};
    file.cut_after(4);
    file.write("two\n");
    CHECK(cvt_test::read_file(o.out) == "one\ntwo\n");
}

TEST_CASE("rows of an array are NaN for inputs that failed", "[output]") {
    const cvt_test::temporary_folder folder;
    const std::string path = folder / "rows.npy";
    {
        app::npy_rows rows{path, {2}};
        rows.begin();
        rows.append(std::vector<float>{1, 2});
        rows.append_failed();
    }
    const auto array = cvt::read_npy(path.c_str());
    REQUIRE(array);
    CHECK(std::vector<std::size_t>(array->shape.begin(), array->shape.end()) == std::vector<std::size_t>{2, 2});
    CHECK(array->values[1] == 2);
    CHECK(std::isnan(array->values[3]));
}
