// --evaluate on the layouts of ImageNet and similar data sets: nested class folders, lists, CSV, flat folders.
#include <functional>

#include "evaluation.hpp"

using namespace cvt_test;

namespace {

// A cathedral, class 104, which the model recognises, and a golf ball, class 125.
struct data_set {
    temporary_folder folder;

    void put_photos(const std::string& below, const std::string& first, const std::string& second) const {
        put(folder, below, church, first);
        put(folder, below, golf_ball, second);
    }
    std::string write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path{folder / name}.parent_path());
        std::ofstream{folder / name, std::ios::binary} << text;
        return folder / name;
    }
    void accept(const std::vector<std::string>& arguments, const json& labels_from) const {
        const outcome o = classify(with_json(arguments));
        INFO(o.err);
        CHECK(o.code == 0);
        CHECK(o.err.empty());
        REQUIRE(o.records().size() == 1);
        const json r = o.records()[0];
        CHECK(r["labels_from"] == labels_from);
        CHECK(r["images"] == 2);
        CHECK(r["top1"] == 1);
    }
    static std::vector<std::string> with_json(std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--format", "jsonl"});
        return arguments;
    }
};

const std::string bom = "\xEF\xBB\xBF";
const std::string wordnet = CVT_WEIGHTS "/classes.tsv";  // n03028079 church, n03445777 golf ball

}  // namespace

TEST_CASE("litter among class folders and their photos is skipped without a note", "[cli]") {
    const data_set d;
    d.put_photos("set/104", "a.jpg", "._b.jpg");
    d.put_photos("set/125/@eaDir/a.jpg", "a.jpg", "b.jpg");
    put(d.folder, "set/125", golf_ball, "a.png");
    put(d.folder, "set/125/.thumbnails", church, "a.jpg");
    for (const char* name : {"__MACOSX", "@eaDir", ".hidden"}) put(d.folder, std::string{"set/"} + name, church, "a.jpg");
    for (const char* name : {"set/Thumbs.db", "set/.DS_Store", "set/104/._a.JPEG", "set/125/thumbs.DB"}) d.write(name, "no photo");
    d.accept({"--evaluate", d.folder / "set"}, "names of folders; numbers are indices counted from 0: 104 to 125");
}

TEST_CASE("class folders are read recursively, as torchvision's ImageFolder does", "[cli]") {
    const data_set d;  // Tiny ImageNet's train/
    put(d.folder, "train/n03028079/images", church, "n03028079_0.JPEG");
    put(d.folder, "train/n03445777/images/more", golf_ball, "n03445777_0.JPEG");
    d.accept({"--evaluate", d.folder / "train", "--classes", wordnet}, "names of folders by " + wordnet);

    d.write("train/n03028079/n03028079_boxes.txt", "n03028079_0.JPEG\t0\t10\t63\t58\n");
    put(d.folder, "train", church, "stray.jpg");
    const outcome o = classify({"--evaluate", d.folder / "train", "--classes", wordnet});
    CHECK(o.code == 0);
    CHECK(o.err == "classify: " + d.folder / "train" + ": 1 other entry skipped\nclassify: " + d.folder / "train" +
                       ": 1 photo beside the class folders skipped\n");
    CHECK(o.out.starts_with("labels   names of folders by " + wordnet + "\nimages   2 in 2 classes\n"));

    std::filesystem::create_directory_symlink("..", d.folder / "train/n03028079/images/again");
    refused({"--evaluate", d.folder / "train", "--classes", wordnet},
            d.folder / "train/n03028079/images/again leads back to " + d.folder / "train/n03028079" + ", which contains it");
}

TEST_CASE("--evaluate takes a list of paths and labels", "[cli]") {
    const data_set d;
    d.put_photos("set", "a b.jpg", "c.png");
    const std::string list = d.folder / "set/list.txt", photo = d.folder / "set/c.png";
    const auto accept = [&](const std::string& text, const std::string& remarks = "") {
        INFO(text);
        d.accept({"--evaluate", d.write("set/list.txt", text)}, list + remarks);
    };
    accept("a b.jpg church\nc.png golf_ball\n");     // the label follows the last space
    accept("a b.jpg\tchurch\nc.png\t golf ball\n");  // or the last tab, if there is one
    accept(bom + "a b.jpg   church\r\n\r\n" + photo + " \tgolf ball \r\n");
    accept("a b.jpg 104\nc.png golf_ball\n", "; numbers are indices counted from 0: only 104");
    accept("a b.jpg 104\nc.png 125", "; numbers are indices counted from 0: 104 to 125");
    d.accept({"--evaluate", d.write("elsewhere/list", "c.png n03445777\na b.jpg n03028079\n"), "--classes", wordnet, d.folder / "set"},
             d.folder / "elsewhere/list by " + wordnet);

    const outcome here = classify({"--evaluate", "list.txt"}, "", (d.folder / "set").c_str());
    CHECK(here.code == 0);
    CHECK(here.out.starts_with(
        "labels   list.txt; numbers are indices counted from 0: 104 to 125\nimages   2 in 2 classes\ntop-1    100.00 %"));

    const outcome part = classify({"--evaluate", d.write("list.txt", "c.png 125\n"), d.folder / "set"});
    CHECK(part.code == 0);
    CHECK(part.err == "classify: " + d.folder / "set" + ": 1 photo without a line in " + d.folder / "list.txt" + " skipped\n");

    std::string counted;
    for (int i = 1; i <= class_count; ++i) counted += std::to_string(i) + "\n";
    d.write("labels.txt", counted);  // labels that look like indices are labels, which the report states
    const json r = report_of({"--labels", d.folder / "labels.txt", "--evaluate", d.write("set/list.txt", "a b.jpg 105\nc.png 126\n")});
    CHECK(r["top1"] == 1);
    CHECK(r["labels_from"] == list + "; numbers are labels of the model, not indices");
}

TEST_CASE("a list that does not match its photos or the model is refused with the line", "[cli]") {
    const data_set d;
    d.put_photos("set", "a b.jpg", "c.png");
    const std::string list = d.folder / "set/list.txt", set = d.folder / "set";
    const auto refuse = [&](const std::string& text, const std::string& sentence) {
        refused({"--evaluate", d.write("set/list.txt", text)}, "--evaluate: " + list + sentence);
    };
    refuse("", ": expected one line per photo, found none");
    refuse("\r\n\n", ": expected one line per photo, found none");
    refuse("c.png 125\nchurch\n", ", line 2: expected a path, a tab or a space, and a label or an index, found \"church\"");
    refuse("c.png 125\n\nd.png 104\n", ", line 3: expected a photo, found no file " + set + "/d.png");
    refuse("../set 125\n", ", line 1: expected a photo, found the folder " + set + "/../set");
    refuse("c.png 219\n", ", line 1: the model has classes 0 to 218, not 219");
    refuse("c.png -1\n", ", line 1: the model has no class named \"-1\"");
    refuse("c.png 18446744073709551624\n", ", line 1: the model has no class named \"18446744073709551624\"");
    refuse("c.png golf ball\n",
           ", line 1: expected a photo, found no file " + set + "/c.png golf; a label that contains blanks needs a tab before it");
    refuse("c.png\tgolf bull\n", ", line 1: the model has no class named \"golf bull\"; did you mean \"golf ball\"?");
    refuse("c.png 125\na b.jpg chruch\nd.png 3\n",
           ", line 2: the model has no class named \"chruch\"; did you mean \"church\"? (and 1 more line)");
    refuse("c.png 125\n./../set/c.png 125\n", ", line 2: " + set + "/./../set/c.png is already listed in line 1");
    refuse("c.png n03445777\n", ", line 1: the model has no class named \"n03445777\"; use --classes FILE to map WordNet ids to classes");
    refuse(std::string{"c.png 125\nc\0.png 125\n", 21}, ", line 2: expected UTF-8 text, found a NUL byte");
    refuse("c.png\tgolf ball\t0\t0\t63\t63\na b.jpg\tchurch\n",
           ", line 2: expected a name, a WordNet id and four numbers, separated by tabs");
    refuse(std::string(500, 'x') + '\n',
           ", line 1: expected a path, a tab or a space, and a label or an index, found \"" + std::string(120, 'x') + "...\"");

    d.write("set/list.txt", "c.png 125\n");
    refused({"--evaluate", list, "--classes", wordnet}, list + ", line 1: " + wordnet + " has no line for \"125\"");
    refused({"--evaluate", list, set, set}, "expected one folder that holds the photos of the list, found 2");
    refused({"--evaluate", list, church}, "expected the folder that holds the photos of the list, found no folder " + church);
    refused({"--evaluate", list, "--truth", list}, "--truth is for a folder of photos");
    refused({"--truth", list, church}, "give both");
}

TEST_CASE("--evaluate takes CSV with a header, such as Kaggle's LOC_val_solution.csv", "[cli]") {
    const data_set d;
    const std::string val = d.folder / "ILSVRC/Data/CLS-LOC/val", csv = d.folder / "LOC_val_solution.csv";
    d.put_photos("ILSVRC/Data/CLS-LOC/val", "ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000002.JPEG");
    const auto run = [&](const std::string& text) {
        d.write("LOC_val_solution.csv", text);
        return std::vector<std::string>{"--evaluate", csv, "--classes", wordnet, val};
    };
    const std::string header = "ImageId,PredictionString\n", first = "ILSVRC2012_val_00000001,n03028079 85 1 499 272 \n",
                      second = "ILSVRC2012_val_00000002,n03445777 1 2 3 4 n03445777 5 6 7 8\n";
    d.accept(run(header + second + first), csv + " by " + wordnet);
    d.accept(run(bom + "ImageId,PredictionString\r\n" + second + "\r\n" + first), csv + " by " + wordnet);

    const auto refuse = [&](const std::string& text, const std::string& sentence) { refused(run(text), "--evaluate: " + csv + sentence); };
    refuse("", ": expected one line per photo, found none");
    refuse(header, ": expected one line per photo, found none");
    refuse(first, ", line 1: expected a header with a column of photos (ImageId, image, path, file or filename), found \"ILSVRC2012");
    refuse("ImageId,Prediction\n" + first,
           ", line 1: expected a header with a column of classes (PredictionString, label, class or index)");
    refuse("path,label,index\n", ", line 1: expected one column of classes");
    refuse(header + "ILSVRC2012_val_00000001\n", ", line 2: expected 2 fields as in the header, found \"ILSVRC2012_val_00000001\"");
    refuse(header + first + "ILSVRC2012_val_00000002,\n", ", line 3: expected a photo and its class");
    refuse(header + "ILSVRC2012_val_00000003,n03028079\n",
           ", line 2: expected a photo, found no file " + val + "/ILSVRC2012_val_00000003 with or without an extension");
    refuse(header + first + first, ", line 3: " + val + "/ILSVRC2012_val_00000001.JPEG is already listed in line 2");
    refuse(header + "\"ILSVRC2012_val_00000001,n03028079\n", ", line 2: expected quotes around whole fields, closed on the same line");
    put(d.folder, "ILSVRC/Data/CLS-LOC/val", church, "ILSVRC2012_val_00000001.jpg");
    refuse(header + first,
           ", line 2: expected one photo, found " + val + "/ILSVRC2012_val_00000001.JPEG and " + val + "/ILSVRC2012_val_00000001.jpg");

    // other columns, with the list beside the photos
    d.write("ILSVRC/Data/CLS-LOC/val/mine.CSV",
            "id,Label,\"File\"\n1,\"church\",ILSVRC2012_val_00000001.JPEG\n2,Golf ball,\"ILSVRC2012_val_00000002.JPEG\"\n");
    d.accept({"--evaluate", val + "/mine.CSV"}, val + "/mine.CSV");
    d.write("ILSVRC/Data/CLS-LOC/val/mine.CSV", "file,label\nILSVRC2012_val_00000001.JPEG,church, church building\n");
    refused({"--evaluate", val + "/mine.CSV"}, "mine.CSV, line 2: expected 2 fields as in the header");
}

TEST_CASE("--truth gives the classes of photos in a flat folder, line by line", "[cli]") {
    const data_set d;
    d.put_photos("val", "ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000002.JPEG");
    d.write("val/.DS_Store", "");
    const std::string val = d.folder / "val", truth = d.folder / "truth.txt", ids = d.write("ids.txt", "490 104\n361 125\n");
    const std::string order =
        "; one line per photo in the order of their names, from ILSVRC2012_val_00000001.JPEG to "
        "ILSVRC2012_val_00000002.JPEG";
    const auto run = [&](const std::string& text) {
        d.write("truth.txt", text);
        return std::vector<std::string>{"--evaluate", val, "--truth", truth, "--classes", ids};
    };
    d.accept(run("490\n361\n"), truth + " by " + ids + "; numbers are indices counted from 0: 104 to 125" + order);
    d.accept(run(bom + "490\r\n361\r\n\r\n"), truth + " by " + ids + "; numbers are indices counted from 0: 104 to 125" + order);
    CHECK(report_of(run("361\n490\n"))["top1"] == 0);

    const auto refuse = [&](const std::string& text, const std::string& sentence) { refused(run(text), "--truth: " + sentence); };
    refuse("490\n", "expected a line for each photo, found 1 line in " + truth + " and 2 photos in " + val);
    refuse("490\n361\n490\n", "expected a line for each photo, found 3 lines in " + truth + " and 2 photos in " + val);
    refuse("\n490\n", truth + ", line 1: expected the class of ILSVRC2012_val_00000001.JPEG, found nothing");
    refuse("\n\n", truth + ": expected the class of a photo in each line, found none");
    refuse("490\n8\n", truth + ", line 2: " + ids + " has no line for \"8\"");
    refuse("1\n8\n", truth + ", line 1: " + ids + " has no line for \"1\" (and 1 more line)");

    // Without --classes, numbers are ambiguous; names are the model's labels.
    run("104\n125\n");
    refused({"--evaluate", val, "--truth", truth},
            truth + ", line 1: found the number 104, but the ids of ILSVRC are not the model's class indices");
    run("church\ngolf ball\n");
    d.accept({"--evaluate", val, "--truth", truth}, truth + order);

    refused({"--evaluate", val},
            val + ": expected one folder per class, found none but 2 photos; use --truth FILE or a list to give their classes");
    refused({"--evaluate", d.folder / "none", "--truth", truth}, "expected a folder or a list, found no ");
    put(d.folder, "val/church", church, "a.jpg");
    refused({"--evaluate", val, "--truth", truth}, val + ": expected photos in one flat folder, found the folder church");
}

TEST_CASE("Tiny ImageNet's validation folder has its annotations beside the images", "[cli]") {
    const data_set d;
    d.put_photos("val/images", "val_0.JPEG", "val_1.JPEG");
    const std::string val = d.folder / "val", list = d.folder / "val/val_annotations.txt";
    const std::string first = "val_0.JPEG\tn03028079\t0\t32\t44\t62\n", second = "val_1.JPEG\tn03445777\t52\t55\t57\t59\n";
    d.write("val/val_annotations.txt", second + first);
    d.accept({"--evaluate", val, "--classes", wordnet}, list + " by " + wordnet);
    d.accept({"--evaluate", val + "/images", "--classes", wordnet}, list + " by " + wordnet);
    d.accept({"--evaluate", val + "/images/", "--classes", wordnet}, list + " by " + wordnet);
    d.accept({"--evaluate", list, "--classes", wordnet}, list + " by " + wordnet);
    d.accept({"--evaluate", list, "--classes", wordnet, val + "/images"}, list + " by " + wordnet);

    const outcome here = classify({"--evaluate", "images", "--classes", wordnet}, "", val.c_str());
    CHECK(here.code == 0);
    CHECK(here.out.starts_with("labels   val_annotations.txt by "));

    d.write("val/val_annotations.txt", first);
    refused({"--evaluate", val, "--classes", wordnet},
            list + ": expected a line for each photo of " + val + "/images, found none for val_1.JPEG");
    d.write("val/val_annotations.txt", first + second + "val_2.JPEG\tn03445777\t0\t0\t63\t63\n");
    refused({"--evaluate", val, "--classes", wordnet}, list + ", line 3: expected a photo, found no file " + val + "/images/val_2.JPEG");

    // After its photos are sorted into class folders, the folders count.
    std::filesystem::remove_all(d.folder / "val/images");
    d.put_photos("val/n03028079", "a.JPEG", "._a.JPEG");
    put(d.folder, "val/n03445777", golf_ball, "a.JPEG");
    const outcome sorted = classify({"--evaluate", val, "--classes", wordnet});
    CHECK(sorted.code == 0);
    CHECK(sorted.out.starts_with("labels   names of folders by "));
}
