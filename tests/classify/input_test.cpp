// input/: folders, selection by shard and by earlier records, and the cache of embeddings.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "common/failure.hpp"
#include "input/embedding_cache.hpp"
#include "input/input_list.hpp"
#include "support/temporary_folder.hpp"

namespace {

void touch(const std::string& path, const std::string& text = {}) { std::ofstream{path} << text; }

std::vector<app::input> all_of(app::input_list& list) {
    std::vector<app::input> out;
    while (std::optional<app::input> i = list.next()) out.push_back(*std::move(i));
    return out;
}

struct fixture {
    cvt_test::temporary_folder folder;
    app::read_control control;
    app::resume_index done;
};

}  // namespace

TEST_CASE("a folder gives its images by name, and a note on skipped entries", "[input]") {
    fixture f;
    for (const char* name : {"b.jpg", "a.PNG", "c.webp", "notes.txt", "more.txt", ".hidden.jpg", "Thumbs.db"}) touch(f.folder / name);
    std::filesystem::create_directory(f.folder / "deeper.jpg");
    app::selection all{std::nullopt, f.done};
    app::input_list list{{f.folder.path(), f.folder / "alone.jpg"}, app::media::pictures, false, all, f.control};
    CHECK(list.total() == 4U);
    const std::string notes = list.take_notes();
    CHECK(notes.find("3 other entries skipped (2 .txt, 1 folder)") != std::string::npos);
    CHECK(list.take_notes().empty());
    const std::vector<app::input> found = all_of(list);
    REQUIRE(found.size() == 4);
    CHECK(found[0].path == f.folder / "a.PNG");
    CHECK(found[1].path == f.folder / "b.jpg");
    CHECK(found[2].path == f.folder / "c.webp");
    CHECK(found[3].path == f.folder / "alone.jpg");
    for (const app::input& i : found) CHECK_FALSE(i.error);
}

TEST_CASE("the shards of a run divide its inputs, and each reports a missing folder once", "[input]") {
    fixture f;
    for (int i = 0; i < 40; ++i) touch(f.folder / (std::to_string(i) + ".jpg"));
    const std::string missing = f.folder / "missing";
    std::size_t images = 0, records_of_missing = 0, reports_elsewhere = 0;
    for (std::uint32_t part = 0; part < 3; ++part) {
        app::selection mine{app::shard{part, 3}, f.done};
        app::input_list list{{missing, f.folder.path()}, app::media::pictures, false, mine, f.control};
        for (const app::input& i : all_of(list)) {
            if (i.path != missing) {
                ++images;
                continue;
            }
            CHECK(i.error);
            (i.of_other_shard ? reports_elsewhere : records_of_missing) += 1;
        }
    }
    CHECK(images == 40);
    CHECK(records_of_missing == 1);
    CHECK(reports_elsewhere == 2);
}

TEST_CASE("an input with a record is skipped, once for each record", "[input]") {
    fixture f;
    const std::string records = f.folder / "r.jsonl", photo = f.folder / "a.jpg";
    touch(photo);
    touch(records,
          "{\"path\": \"" + photo + "\", \"ms\": 1.000}\n{\"path\": \"gone\", \"error\": {\"code\": \"io\", \"message\": \"\"}}\n{\"pa");
    app::resume_index done{records, std::nullopt};
    CHECK(done.whole_bytes() == std::filesystem::file_size(records) - 4);
    app::selection rest{std::nullopt, done};
    app::input_list list{{photo, photo, "gone"}, app::media::pictures, false, rest, f.control};
    CHECK(list.total() == 1U);
    CHECK(all_of(list).size() == 1);
    CHECK(done.taken() == 2);
    CHECK(done.failed() == 1);
}

TEST_CASE("each of many records of one path serves one input, in linear time", "[input]") {
    const fixture f;
    const std::string records = f.folder / "r.jsonl";
    constexpr std::size_t count = 300'000;  // a search through all of them for each would take a minute
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "{\"path\": \"a.jpg\", \"error\": {\"code\": \"io\", \"message\": \"\"}}\n";
    touch(records, text);
    app::resume_index done{records, std::nullopt};
    std::size_t taken = 0;
    while (taken <= count && done.take("a.jpg", {}, {})) ++taken;
    CHECK(taken == count);
    CHECK(done.failed() == count);
    CHECK_FALSE(done.take("b.jpg", {}, {}));
}

TEST_CASE("an index refuses a file that classify did not write", "[input]") {
    fixture f;
    const std::string path = f.folder / "r.jsonl";
    for (const char* text : {"hello\n", "{\"path\": \"a\"}\n", "{\"path\": \"a\", \"ms\": 1}\nhello"}) {
        CAPTURE(text);
        touch(path, text);
        CHECK_THROWS_AS((app::resume_index{path, std::nullopt}), app::failure);
    }
}

TEST_CASE("a cache that was cut at any byte has its whole records, and goes on", "[input]") {
    const cvt_test::temporary_folder folder;
    const std::string path = folder / "cache", cut = folder / "cut";
    const app::digest model{1}, other{2};
    const auto photo = [](std::uint8_t i) { return app::digest{0, i}; };
    const auto value = [](std::uint8_t i) { return std::vector<float>{static_cast<float>(i), 2, 3}; };
    std::vector<std::uint64_t> ends;
    {
        app::embedding_cache cache{path, model, 3};
        CHECK_THROWS_AS((app::embedding_cache{path, model, 3}), app::failure);  // locked
        ends.push_back(std::filesystem::file_size(path));
        for (std::uint8_t i = 0; i < 3; ++i) {
            cache.add(photo(i), i, value(i));
            ends.push_back(std::filesystem::file_size(path));
        }
    }
    for (std::uint64_t size = 0; size <= ends.back(); ++size) {
        CAPTURE(size);
        std::filesystem::copy_file(path, cut, std::filesystem::copy_options::overwrite_existing);
        std::filesystem::resize_file(cut, size);
        if (size % 3 == 0 && size >= ends[0]) std::filesystem::resize_file(cut, size + 5);  // zeros, as after a crash of the machine
        const auto whole = static_cast<std::size_t>(std::upper_bound(ends.begin() + 1, ends.end(), size) - ends.begin() - 1);
        {
            app::embedding_cache cache{cut, model, 3};
            CHECK(cache.size() == whole);
            cache.add(photo(9), 0, value(9));
        }
        const app::embedding_cache cache{cut, model, 3};
        CHECK(cache.size() == whole + 1);
        std::vector<float> found(3);
        CHECK(cache.find(photo(9), 0, found));
        CHECK(found == value(9));
        CHECK_FALSE(cache.find(photo(9), 1, found));
        for (std::uint8_t i = 0; i < whole; ++i) {
            CHECK(cache.find(photo(i), i, found));
            CHECK(found == value(i));
        }
    }
    CHECK(app::embedding_cache{path, other, 3}.size() == 0);  // of another model
    CHECK(app::embedding_cache{path, model, 4}.size() == 0);
    std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
    file.seekp(static_cast<std::streamoff>(ends[1] + 100));
    file.put('x');
    file.close();
    CHECK_THROWS_AS((app::embedding_cache{path, model, 3}), app::failure);  // damaged in the middle
    CHECK(std::filesystem::file_size(path) == ends.back());
    touch(path, "my notes");
    CHECK_THROWS_AS((app::embedding_cache{path, model, 3}), app::failure);
    CHECK(std::filesystem::file_size(path) == 8);
}
