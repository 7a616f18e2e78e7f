// Inputs: files, folders, paths on standard input; batches and threads do not change the result.
#include <sys/stat.h>

#include "classify.hpp"
#include "pictures.hpp"

using namespace cvt_test;

namespace {

std::vector<std::string> paths_of(const outcome& o) {
    std::vector<std::string> paths;
    for (const json& r : o.records()) paths.push_back(r["path"]);
    return paths;
}

json without_times(const outcome& o) {
    json all = o.records();
    for (json& r : all) r.erase("ms");
    return all;
}

}  // namespace

TEST_CASE("a folder gives its pictures, sorted by name", "[cli]") {
    const temporary_folder folder;
    std::filesystem::create_directories(folder / "photos/below.png");  // a folder, whatever its name
    write_png(folder / "photos/b.PNG");
    write_jpeg(folder / "photos/c.jpeg");
    write_jpeg(folder / "photos/a.jpg");
    std::ofstream{folder / "photos/notes.txt"} << "no image";
    const outcome o = classify({"--format", "jsonl", folder / "photos", folder / "photos/b.PNG"});
    CHECK(o.code == 0);
    CHECK(paths_of(o) ==
          std::vector<std::string>{folder / "photos/a.jpg", folder / "photos/b.PNG", folder / "photos/c.jpeg", folder / "photos/b.PNG"});
    CHECK(o.err == "classify: " + folder / "photos" + ": 2 other entries skipped (1 .txt, 1 folder)\n");
}

TEST_CASE("a folder's pictures are recognised by their extension, and decoded by their content", "[cli]") {
    const temporary_folder folder;
    for (const char* name : {"a.jfif", "b.JPE", "c.mpo", "d.heic"}) write_jpeg(folder / name);
    for (const char* name : {"e.bmp", "f.pgm", "g.tiff", "h.webp"}) write_png(folder / name);
    for (const char* name : {"1.txt", "2.TXT", "3.xmp", "README"}) std::ofstream{folder / name} << "no image";
    const outcome o = classify({"--format", "jsonl", folder.path()});
    CHECK(o.code == 0);
    CHECK(o.records().size() == 8);
    CHECK(o.err == "classify: " + folder.path() + ": 4 other entries skipped (2 .txt, 1 .xmp, 1 without an extension)\n");
}

TEST_CASE("--max-pixels limits the size of a picture", "[cli]") {
    const temporary_folder folder;
    // 12,000 x 9,000 pixels, as phones with 108 megapixels make them, more than the library's default limit; a white fax page.
    const std::vector<int> numbers{256, 12000, 257, 9000, 258, 1, 259, 4, 262, 0, 273, 8, 277, 1, 278, 9000, 279, 1200};
    std::string file{"II*\0\xB8\4\0\0", 8};
    file.append(1200, '\xFF');  // one bit per row: equal to the row above
    const auto put = [&file](int value, int bytes) {
        for (; bytes != 0; --bytes, value >>= 8) file += static_cast<char>(value);
    };
    put(static_cast<int>(numbers.size() / 2), 2);
    for (std::size_t i = 0; i < numbers.size(); i += 2) put(numbers[i], 2), put(4, 2), put(1, 4), put(numbers[i + 1], 4);
    put(0, 4);
    std::ofstream{folder / "large.tif", std::ios::binary} << file;
    const auto message = [&](const char* pixels) {
        const outcome o = classify({"--format", "jsonl", "--max-pixels", pixels, folder / "large.tif"});
        return o.records()[0].contains("error") ? o.records()[0]["error"]["message"].get<std::string>() : std::string{};
    };
    const std::string found = message("107999999");
    if (found.find("built without") != std::string::npos) return;
    CHECK(found == "image is 12000 x 9000: more than the limit of 107999999 pixels");
    CHECK(message("108000000").empty());
    CHECK(classify({"--max-pixels", "0", folder / "large.tif"}).code == 2);
}

TEST_CASE("litter in a folder is skipped without a note, but gets a record if it is named", "[cli]") {
    const temporary_folder folder;
    const std::string photos = folder / "photos";
    for (const char* below : {"photos/__MACOSX", "photos/@eaDir", "photos/.thumbnails"})
        std::filesystem::create_directories(folder / below);
    const std::string a = write_png(photos + "/a.png"), hidden = write_png(photos + "/.hidden.png"), apple = photos + "/._a.JPEG";
    for (const char* name : {"/._a.JPEG", "/.DS_Store", "/Thumbs.db", "/THUMBS.DB"}) std::ofstream{photos + name} << "no photo";
    const outcome o = classify({"--size", "32", "--format", "jsonl", photos});
    CHECK(o.code == 0);
    CHECK(o.err.empty());
    CHECK(paths_of(o) == std::vector<std::string>{a});

    const outcome named = classify({"--size", "32", "--format", "jsonl", hidden, apple, "-"}, hidden + "\n" + apple + "\n");
    CHECK(named.code == 1);
    CHECK(paths_of(named) == std::vector<std::string>{hidden, apple, hidden, apple});
    CHECK(named.records()[2].contains("top"));
    CHECK(named.records()[3].contains("error"));

    std::filesystem::remove(a);
    CHECK(classify({"--format", "jsonl", photos}).records().at(0)["error"]["code"] == "io");  // only litter
}

TEST_CASE("a folder without images is an error", "[cli]") {
    const temporary_folder folder;
    const outcome o = classify({"--format", "jsonl", folder.path()});
    CHECK(o.code == 1);
    REQUIRE(o.records().size() == 1);
    CHECK(o.records()[0]["path"] == folder.path());
    CHECK(o.records()[0]["error"]["code"] == "io");
}

TEST_CASE("standard input gives one path per line", "[cli]") {
    const temporary_folder folder;
    std::filesystem::create_directory(folder / "more");
    const std::string a = write_png(folder / "a b.png"), b = write_png(folder / "more/b.png"), c = write_png(folder / "more/c.png"),
                      d = write_png(folder / "d.png");
    const outcome o = classify({"--format", "jsonl", d, "-", c}, a + "\n\n" + folder / "more" + "\n" + folder / "gone.png");
    CHECK(o.code == 1);
    CHECK(paths_of(o) == std::vector<std::string>{d, a, b, c, folder / "gone.png", c});
}

TEST_CASE("an empty list on standard input is not an error", "[cli]") {
    const outcome o = classify({"--format", "jsonl", "-"});
    CHECK(o.code == 0);
    CHECK(o.out.empty());
}

TEST_CASE("a list from Windows names the same files", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png"), b = write_png(folder / "b.png");
    const std::string mark = "\xEF\xBB\xBF";
    const outcome paths = classify({"--size", "32", "--format", "jsonl", "-"}, mark + a + "\r\n\r\n" + b + "\r\n" + a + "\r");
    CHECK(paths.code == 0);
    CHECK(paths_of(paths) == std::vector<std::string>{a, b, a});
    const outcome objects = classify({"--size", "32", "--format", "jsonl", "-"}, mark + R"({"path": ")" + a + "\", \"id\": 1}\r\n");
    CHECK(objects.code == 0);
    REQUIRE(objects.records().size() == 1);
    CHECK(objects.records()[0]["id"] == 1);
    // In other places the mark is part of a name.
    CHECK(paths_of(classify({"--format", "jsonl", "-"}, a + '\n' + mark + "b.png")) == std::vector<std::string>{a, mark + "b.png"});
}

TEST_CASE("classify waits for standard input in non-blocking mode", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png"), list = folder / "list", out = folder / "out.jsonl";
    REQUIRE(::mkfifo(list.c_str(), 0600) == 0);
    const int in = ::open(list.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC), writer = ::open(list.c_str(), O_WRONLY | O_CLOEXEC);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(in, 0);
        become_classify({"--size", "32", "--format", "jsonl", "--out", out, "-"});
    }
    ::usleep(500'000);
    const std::string line = a + '\n';
    CHECK(::write(writer, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    ::close(writer);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(in);
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(lines_of(read_file(out)).size() == 1);
}

TEST_CASE("pipes in a folder are skipped, whatever their names", "[cli]") {
    const temporary_folder folder;
    std::filesystem::create_directory(folder / "photos");
    const std::string a = write_png(folder / "photos/a.png"), pipe = folder / "photos/b.jpg";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const std::string command = std::string{"timeout 60 "} + shell_classify + " --size 32 --format jsonl '" + folder / "photos" + "' >'" +
                                folder / "out" + "' 2>'" + folder / "err" + "'";  // the pipe has no writer, so reading it would not end
    const int status = std::system(command.c_str());
    CHECK(WEXITSTATUS(status) == 0);
    REQUIRE(lines_of(read_file(folder / "out")).size() == 1);
    CHECK(parse_json(read_file(folder / "out"))["path"] == a);
    CHECK(read_file(folder / "err") == "classify: " + folder / "photos" + ": 1 other entry skipped (1 pipe or device)\n");
}

TEST_CASE("paths that end in NUL bytes are refused, not cut", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png");
    const outcome o = classify({"--format", "jsonl", "-"}, a + '\0' + a + '\0');
    CHECK(o.code == 1);
    REQUIRE(o.records().size() == 1);
    CHECK(o.records()[0]["error"]["message"].get<std::string>().find("NUL") != std::string::npos);
}

TEST_CASE("names that look like options or lists are files", "[cli]") {
    const temporary_folder folder;
    write_png(folder / "-x.png");
    std::filesystem::create_directory(folder / "[2019]");
    write_png(folder / "[2019]/a.png");
    const outcome o = classify({"--format", "jsonl", "--", "-x.png", "[2019]"}, {}, folder.path().c_str());
    CHECK(o.code == 0);
    CHECK(paths_of(o) == std::vector<std::string>{"-x.png", "./[2019]/a.png"});
}

TEST_CASE("broken images are records with an error", "[cli]") {
    const temporary_folder folder;
    const std::string whole = read_file(write_png(folder / "whole.png"));
    std::ofstream{folder / "empty.png"};
    std::ofstream{folder / "cut.png", std::ios::binary} << whole.substr(0, whole.size() / 2);
    std::ofstream{folder / "text.png"} << "hello";
    const outcome o = classify({"--format", "jsonl", folder.path()});
    CHECK(o.code == 1);
    const auto records = o.records();
    REQUIRE(records.size() == 4);
    for (std::size_t i : {0U, 1U, 2U}) {
        CHECK(records[i].contains("error"));
        CHECK_FALSE(records[i]["error"]["message"].get<std::string>().empty());
    }
    CHECK(records[3].contains("top"));
    CHECK(o.err.find("3 of 4 inputs failed") != std::string::npos);
}

TEST_CASE("batches and threads do not change the bits or the order of records", "[cli]") {
    const temporary_folder folder;
    std::vector<std::string> images;
    for (int i = 0; i < 7; ++i) images.push_back(write_png(folder / ("p" + std::to_string(i) + ".png"), 40 + 9 * i, 60, i));
    images.insert(images.begin() + 3, folder / "missing.png");
    std::vector<std::string> arguments{"--format", "jsonl", "--top-k", "10", "--size", "64"};
    arguments.insert(arguments.end(), images.begin(), images.end());
    const outcome one = classify(arguments);
    CHECK(one.code == 1);
    REQUIRE(one.records().size() == 8);
    CHECK(one.records()[3].contains("error"));
    for (const char* batch : {"2", "3", "8", "50"})
        for (const char* threads : {"1", "3"}) {
            CAPTURE(batch, threads);
            std::vector<std::string> with = arguments;
            with.insert(with.begin(), {"--batch", batch, "--threads", threads});
            const outcome o = classify(with);
            CHECK(o.code == 1);
            CHECK(without_times(o) == without_times(one));
        }
}

TEST_CASE("--repeat reports times on standard error only", "[cli]") {
    const temporary_folder folder;
    const std::string a = write_png(folder / "a.png");
    const outcome o = classify({"--format", "jsonl", "--repeat", "3", "--size", "64", a});
    CHECK(o.code == 0);
    CHECK(o.records().size() == 1);
    double median = 0, least = 0, speed = 0;
    REQUIRE(o.err.starts_with(a + ": 3 runs: "));
    REQUIRE(std::sscanf(o.err.c_str() + a.size(), ": 3 runs: median %lf ms, min %lf ms, %lf GFLOP/s", &median, &least, &speed) == 3);
    CHECK(least > 0);
    CHECK(median >= least);
    CHECK(speed > 0);
}
