"""A transfer office gets its list in: from a messy spreadsheet to its own list."""

import io

import openpyxl

from kechuangtong.sample.service import EDITOR
from pages.conftest import Visitor
from sending import workbook

HEADER = ["成果名称", "成果简介", "成熟度", "意向价格", "内部代号"]


def test_a_messy_sheet_gets_in_is_corrected_and_one_record_is_withdrawn(visitor: Visitor) -> None:
    page, mark = visitor.page, visitor.device
    rows = [
        [f"{mark} 转轮除湿机组", "吸附转轮，低温再生", "中试", "50万元", "A1"],
        [f"{mark} 导热膜", "卷对卷制备", "实验室", "面议", "A2"],
        [f"{mark} 导热膜", "又写了一遍", "", "", "A3"],
        [f"{mark} 低温制氢", "碱性电解", "小试", "一百来万吧", "A4"],
    ]
    visitor.signs_in(EDITOR)
    visitor.opens("/uploads")
    file = {"name": "成果.xlsx", "mimeType": "", "buffer": workbook(rows, HEADER)}
    page.get_by_label("文件").set_input_files(file)
    page.get_by_role("button", name="上传").click()
    # The page goes on by itself when the import has ended.
    assert "1 行未导入" in page.get_by_role("status").inner_text()
    visitor.checks()
    counts = {
        one: page.locator(f"[data-count={one}]").inner_text() for one in ("created", "refused")
    }
    assert counts == {"created": "2", "refused": "1"}
    row = page.get_by_role("row").filter(has_text="一百来万吧")
    assert "5" in row.inner_text()
    assert "意向价格" in row.inner_text()
    assert page.locator("q").inner_text() == "内部代号"
    page.get_by_text("指定各列的含义").click()
    page.get_by_label("内部代号").select_option(label="编号")
    visitor.checks()

    with page.expect_download() as report:
        page.get_by_role("link", name="下载报告").click()
    book = openpyxl.load_workbook(io.BytesIO(report.value.path().read_bytes()))
    sheet = book.active
    assert sheet is not None
    price = next(cell for line in sheet.iter_rows() for cell in line if cell.value == "一百来万吧")
    price.value = "120万元"
    corrected = io.BytesIO()
    book.save(corrected)
    page.get_by_role("link", name="上传一次").click()
    file = {"name": "成果 改.xlsx", "mimeType": "", "buffer": corrected.getvalue()}
    page.get_by_label("文件").set_input_files(file)
    page.get_by_role("button", name="上传").click()
    assert page.get_by_role("status").inner_text() == "导入完成。"
    assert page.locator("[data-count=created]").inner_text() == "1"

    page.get_by_role("link", name="我的清单").click()
    page.get_by_label("词语").fill(mark)
    page.get_by_role("button", name="查看").click()
    visitor.checks()
    page.get_by_label("全选本页").check()
    assert page.get_by_label(f"{mark} 导热膜").is_checked()
    page.get_by_label("全选本页").uncheck()
    page.get_by_label(f"{mark} 低温制氢").check()
    page.get_by_role("button", name="撤回").click()
    assert "已办 1 条" in page.get_by_role("status").inner_text()
    withdrawn = page.get_by_role("row").filter(has_text=f"{mark} 低温制氢")
    assert "已撤回" in withdrawn.inner_text()
    visitor.checks()
