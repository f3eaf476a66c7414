"""Which sheet holds the list, where its header is, and what each column means.

Headers are compared without case, width, spaces, marks of obligation (＊, 必填) and units. A
header that is one of a field's names decides; else a telling part of it does.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from kechuangtong.core.language import Text
from kechuangtong.core.text import identity
from kechuangtong.core.trade import ImportKind
from kechuangtong.imports.amounts import unit_of
from kechuangtong.imports.cells import Cell, shown
from kechuangtong.imports.reading import FileRefused, Sheet

# A header stands within the first rows, and its cells are short.
_SEARCHED_ROWS: Final = 40
_HEADER_LENGTH: Final = 60
# The first line of a header is a name of its own (合作方式\n转让、许可), but 成果\n简介 is one.
_FIRST_LINE: Final = 4
_GROUP: Final = 15

# Fields that several columns may tell of together.
SEVERAL: Final = frozenset(
    {
        "description",
        "application",
        "keywords",
        "intellectual_property",
        "evaluations",
        "place",
        "cooperation",
        "contact",
        "stage",
        "trl",
        "required_stage",
        "required_trl",
        "anonymous",
        "functions",
        "specifications",
        "services",
    }
)
# The field that a record is known by: what its column is called shows where the header is.
TITLES: Final = {
    ImportKind.ACHIEVEMENT: "title",
    ImportKind.DEMAND: "title",
    ImportKind.INSTRUMENT: "name",
}


@dataclass(frozen=True, slots=True)
class _Names:
    """What a field is called: whole headers, and parts that tell in a longer one."""

    field: str
    names: str
    parts: str = ""


# 需求单位名称 names the enterprise, no demand.
_OF_ANOTHER: Final = "(?!.*(?:单位|企业|公司|机构|高校|部门|人)(?:[名全]称|标题|题目))"
# Headers that share words with a field and tell of something else.
_ASIDE: Final = re.compile(
    "^是否|英文(?:名称?|题目|标题|简介|摘要)|职务|职称|学历|学位|性别|合作期限|周期$|注册(?:资本|资金)|(?:资金|经费)来源|"
    "(?:专利|知识产权|著作权|软著).{0,4}(?:类型|类别|种类|形式|状态|数量?|件数|项数|日期?|时间|期限?|status|type)$|"
    "(?:patent|ip)(?:status|type|count|date)|(?:企业|公司|单位).{0,4}(?:简介|介绍|概况|概述|现状|情况|规模|性质|类型)|"
    "(?:推荐|合作|意向|参与|协作).{0,4}(?:单位|企业|高校|院校|机构|专家|对象)|"
    "(?:[上去]一?|近[一二两三0-9])年|年度?(?:营业|销售|营收|产值|利润|研发)|营业(?:收入|额)|(?:已|累计)投入"
)

_SHARED: Final = (
    _Names("state", "发布状态"),
    _Names(
        "organization_code",
        "统一社会信用代码 社会信用代码 信用代码 组织机构代码 机构代码 uscc creditcode",
        "信用代码|creditcode",
    ),
    _Names(
        "contact",
        "联系方式 联系信息 contactdetails",
        "联系方式|(?:联系人|负责人|姓名)[及和与](?:联系)?(?:电话|手机|邮箱)",
    ),
    _Names(
        "contact_email",
        "邮箱 电子邮箱 电子邮件 联系邮箱 电邮 email e-mail mail",
        "邮箱|邮件|e-?mail",
    ),
    _Names(
        "contact_phone",
        "电话 手机 手机号 手机号码 联系电话 联系手机 办公电话 phone tel telephone mobile",
        "电话|手机|phone|mobile",
    ),
    _Names(
        "contact_department",
        "联系部门 部门 归口部门 管理部门 学院 院系 二级单位 department college school",
        "部门|学院$|院系$",
    ),
    _Names(
        "contact_name",
        """
        联系人 联络人 姓名 负责人 联系人姓名 项目负责人 成果负责人 成果联系人 需求联系人 技术负责人
        完成人 成果完成人 发明人 contact contactname contactperson person inventor
        """,
        "联系人|联络人|负责人|完成人|发明人|contact(?:person|name)|inventor",
    ),
    _Names(
        "keywords",
        "关键词 关键字 主题词 标签 keyword keywords tags",
        "关键词|关键字|keyword",
    ),
    _Names(
        "cooperation",
        """
        合作方式 合作意向 合作模式 转化方式 转让方式 交易方式 拟转化方式 拟合作方式 意向合作方式
        cooperation
        """,
        "(?:合作|转化|转让|交易|对接)(?:方式|模式|形式|意向)|cooperat",
    ),
    _Names(
        "field",
        """
        领域 行业 产业 学科 所属领域 所属行业 所属产业 所属学科 技术领域 行业领域 产业领域
        学科领域 分类 类别 industry field domain category sector
        """,
        "(?:所属|技术|行业|产业|学科|专业).*(?:领域|行业|产业|学科|分类|类别)|^(?:领域|行业|产业)|(?:领域|行业)$"
        "|field$|industry|researcharea",
    ),
    _Names(
        "place",
        """
        所在地 地区 地点 地址 所属地区 所在地区 所在区域 区域 省 市 区 县 省份 城市 区县 所在省
        所在市 所在省份 所在城市 所在区县 联系地址 单位地址 place location address city province
        region
        """,
        "所在(?:地|省|市|区)|地区$|地址$|^(?:所属|所在)?[省市区县州地]{1,3}$",
    ),
)

_ACHIEVEMENT: Final = (
    _Names(
        "title",
        """
        成果名称 科技成果名称 成果 科技成果 成果项目名称 成果标题 技术名称 项目名称 技术成果名称
        中文名称 专利名称 发明名称 名称 技术成果 题目 标题 title achievement achievementtitle
        achievementname name projectname technology
        """,
        rf"成果{_OF_ANOTHER}.{{0,6}}(?:名称|标题|题目|主题)"
        rf"|(?:技术|项目|发明){_OF_ANOTHER}.{{0,4}}(?:名称|标题|题目)"
        "|title|(?:achievement|technology|project|invention)name|nameof(?:the)?(?:achievement|technology)",
    ),
    _Names(
        "intellectual_property",
        """
        知识产权 知识产权号 专利号 专利 授权号 申请号 专利申请号 专利授权号 知识产权情况
        专利情况 patent patents patentnumber patentno intellectualproperty ip
        """,
        "专利|知识产权|软件?著|著作权|patent|授权号|^ip",
    ),
    _Names(
        "number",
        """
        成果编号 成果登记号 登记号 项目编号 编号 编码 序号 成果编码 no number id # sn s/n serialno
        serialnumber achievementno
        """,
        "(?:成果|项目|登记).{0,4}(?:编号|编码|号)$",
    ),
    _Names(
        "evaluations",
        "评价 鉴定 评价情况 鉴定情况 成果评价 成果鉴定 评价结论 evaluation appraisal",
        "(?:评价|鉴定|评估|验收|评审)(?!价|值)",
    ),
    _Names(
        "trl",
        """
        成熟度 技术成熟度 技术成熟度等级 成熟度等级 成果成熟度 trl trllevel 技术就绪度 readiness
        maturity
        """,
        "trl|成熟|就绪|readiness|maturity",
    ),
    _Names(
        "stage",
        """
        阶段 成熟阶段 研发阶段 所处阶段 成果阶段 技术阶段 研究阶段 转化阶段 所属阶段 stage phase
        """,
        "阶段|产业化程度|stage",
    ),
    _Names(
        "price",
        """
        价格 报价 估价 意向价格 转让价格 转让费 许可费 意向金额 转化价格 预期价格 合作价格 金额
        技术报价 转让金额 askingprice price cost
        """,
        "价格|价位|报价|估价|估值|评估值|售价|标价|要价|"
        "(?:转让|许可|转化|意向|交易|合作|预期|拟).{0,6}(?:价|费|金额)|price|licen[sc](?:e|ing)fee",
    ),
    _Names(
        "completed_on",
        """
        完成日期 完成时间 取得时间 取得日期 完成年份 完成年度 成果完成时间 研发完成时间
        completed completedon completiondate date
        """,
        "完成.{0,4}(?:日期|时间|年)|取得.{0,4}(?:日期|时间)|complet",
    ),
    _Names(
        "valid_until",
        "有效期 有效期至 截止日期 截止时间 有效日期 信息有效期 validuntil expires deadline",
        "有效期|截止|valid|expir|deadline",
    ),
    _Names(
        "application",
        """
        应用领域 应用前景 应用范围 应用场景 适用范围 市场前景 市场分析 推广前景 应用方向
        应用情况 application applications
        """,
        "(?<!(?:简介|介绍|描述)及)(?:应用|市场|推广|适用)|application",
    ),
    _Names(
        "organization",
        """
        单位 完成单位 成果单位 所属单位 持有单位 单位名称 高校 高校名称 学校 学校名称 院校
        第一完成单位 成果持有单位 所有权单位 权利人 专利权人 供给方 所属高校 organization
        institution university owner
        """,
        "(?:完成|成果|所属|持有|依托|申报|发布|权利).{0,4}单位|单位[名全]称|权利?人$|"
        "organi[sz]ation|institution",
    ),
    _Names(
        "description",
        """
        简介 成果简介 成果介绍 成果描述 内容 成果内容 概述 摘要 介绍 说明 成果概况 项目简介
        技术简介 技术介绍 主要内容 详细介绍 description abstract summary introduction details
        """,
        "简介|介绍|描述|概述|概况|摘要|内容|详情|创新点|技术(?:指标|特点|优势|参数|要点)|"
        "性能指标|先进性|优势|特点|核心技术|关键技术|技术原理|descri|abstract|summary",
    ),
)

# Whether the enterprise's name is told; asked both ways round, see `asks_for_openness`.
_OF_NAMES = "(?:需求)?(?:企业|单位|公司|机构|需求方)(?:的?(?:名称?|信息|身份))?"
_OPENS = "(?:对外)?(?:公开|显示|展示|披露)"
_ANONYMOUS: Final = re.compile(
    f"匿名|anonym|confidential|{_OF_NAMES}.{{0,4}}(?:{_OPENS}|保密|隐藏)(?:要求|与否|情况|意愿)?$"
    f"|(?:{_OPENS}|保密|隐藏){_OF_NAMES}$"
    "|^(?:是否)?(?:需要?|要求)?(?:需求)?保密(?:要求|需求|需要|与否|情况)?$"
)
_OPENNESS: Final = re.compile(f"(?<![不隐]){_OPENS}")

_DEMAND: Final = (
    _Names(
        "title",
        """
        需求名称 技术需求名称 需求题目 需求标题 难题名称 需求项目名称 项目名称 榜单名称 课题名称
        名称 题目 标题 需求 技术需求 技术难题 难题 需求项目 攻关项目 title demandtitle demandname
        name demand requirement need
        """,
        rf"(?!需求方)(?:需求|难题|榜单|项目|课题|攻关){_OF_ANOTHER}.{{0,6}}(?:名称|标题|题目|主题)|title|demandname"
        "|nameof(?:the)?(?:demand|need)",
    ),
    _Names(
        "number",
        """
        需求编号 难题编号 项目编号 编号 编码 序号 需求编码 登记号 no number id # sn s/n serialno
        serialnumber demandno
        """,
        "(?:需求|难题|项目|登记|榜单).{0,4}(?:编号|编码|号)$",
    ),
    _Names(
        "required_trl",
        """
        成熟度 技术成熟度 成熟度要求 技术成熟度要求 trl trl要求 requiredtrl maturity readiness
        """,
        "trl|成熟|就绪|readiness|maturity",
    ),
    _Names(
        "required_stage",
        "阶段 阶段要求 所需阶段 要求阶段 技术阶段 stage requiredstage",
        "阶段|stage",
    ),
    _Names(
        "budget",
        """
        预算 预算金额 经费 经费预算 投入 投入资金 拟投入 拟投入资金 拟投入经费 投入经费 意向投入
        资金 悬赏金额 榜额 金额 研发预算 项目预算 意向金额 合作金额 意向价格 budget amount price
        """,
        "预算|经费|(?:投入|悬赏|支付|意向|合作|出资|榜单).{0,6}(?:资金|金额|价|额|费)|"
        "投入|资金|金额|budget",
    ),
    _Names(
        "valid_until",
        """
        截止日期 截止时间 需求截止日期 需求截止时间 有效期 有效期至 有效期限 需求有效期 期限
        截止 报名截止 deadline validuntil expires duedate closingdate
        """,
        "截止|有效期|到期|期限|时限|deadline|valid|expir",
    ),
    _Names(
        "organization",
        """
        单位 企业 企业名称 单位名称 公司 公司名称 需求单位 需求企业 需求方 发布单位 发布企业
        发榜单位 所属企业 所属单位 申报单位 organization company enterprise companyname
        """,
        "(?:企业|公司|单位)[名全]称|"
        "(?:需求|发布|申报|提出|填报|所属|发榜).{0,4}(?:单位|企业|公司|方)$|需求方名称|company|"
        "enterprise|organi[sz]ation",
    ),
    _Names(
        "description",
        """
        需求内容 内容 需求描述 描述 需求简介 需求说明 需求详情 技术需求描述 技术需求内容
        主要内容 难题描述 问题描述 具体需求 技术要求 技术指标 详细描述 简介 说明 description
        details content summary
        """,
        "内容|描述|简介|简述|概要|说明|详情|概述|介绍|背景|现状|问题|难题|难点|瓶颈|具体|^技术需求$|技术(?:要求|指标|参数)|"
        "指标|目标|条件|descri|detail|content|requirements?$|problem",
    ),
)

_OF_INSTRUMENT: Final = "(?:仪器|设备|装置|平台|资源|服务单元)"
_INSTRUMENT: Final = (
    _Names(
        "name",
        """
        仪器名称 仪器设备名称 设备名称 中文名称 仪器中文名称 装置名称 资源名称 服务单元名称 名称
        仪器 设备 仪器设备 name instrument instrumentname equipment equipmentname
        """,
        f"{_OF_INSTRUMENT}{_OF_ANOTHER}.{{0,4}}名称|(?:instrument|equipment)name",
    ),
    _Names(
        "name_en",
        "英文名称 仪器英文名称 设备英文名称 外文名称 英文名 englishname nameen",
        "(?:英|外)文名称?$|english",
    ),
    _Names(
        "number",
        """
        仪器编号 设备编号 仪器设备编号 资产编号 单位内编号 单位内部编号 所在单位仪器编号 编号 编码
        序号 innerid no number id # sn s/n serialno serialnumber instrumentno assetnumber
        """,
        "(?:仪器|设备|资产|内部?).{0,4}(?:编号|编码|号)$",
    ),
    _Names(
        "class_code",
        "分类编码 分类代码 仪器分类编码 仪器类别编码 设备分类编码 类别编码 分类号 classcode",
        "分类.{0,4}(?:编码|代码|号)$|类别.{0,4}(?:编码|代码)$|classcode",
    ),
    _Names(
        "kind",
        "类别 仪器类别 资源类别 资源类型 类型 种类 记录类型 kind type",
        "(?:仪器|设备|资源|共享).{0,2}(?:类别|类型|种类)$",
    ),
    _Names(
        "model",
        "规格型号 型号规格 型号 规格 仪器型号 设备型号 model modelnumber",
        "型号|^model",
    ),
    _Names(
        "country",
        "产地国别 产地 国别 制造国 原产国 生产国别 制造商国别 country origin",
        "国别|产地|制造国|原产国|countryof",
    ),
    _Names(
        "manufacturer",
        """
        生产厂商 生产制造商 制造商 生产厂家 厂商 厂家 品牌 生产企业 生产商 manufacturer maker brand
        """,
        "(?:生产|制造).{0,3}(?:厂商|厂家|企业|单位|商)|manufactur",
    ),
    _Names(
        "original_value",
        "原值 仪器原值 设备原值 购置价格 购置金额 资产原值 价值 单价 价格 金额 originalvalue value",
        "原值|购置(?:价|金额|费)|^价[格值]|originalvalue",
    ),
    _Names(
        "commissioned_on",
        "启用日期 启用时间 投用日期 投入使用日期 投入使用时间 购置日期 commissionedon commissioned",
        "(?:启用|投用|投入使用|建成|购置).{0,2}(?:日期|时间|年份?)|commission",
    ),
    _Names(
        "disciplines",
        "主要学科领域 学科领域 学科 主要学科 所属学科 学科代码 应用学科 disciplines discipline",
        "学科|disciplin",
    ),
    _Names(
        "reference_price",
        """
        参考收费标准 收费标准 服务收费 收费 参考价格 收费依据 收费说明 费用 referenceprice fee
        """,
        "收费|参考价|^fee",
    ),
    _Names(
        "rules",
        "对外开放共享规定 开放共享规定 共享规定 开放规定 使用须知 预约须知 管理规定 rules",
        "(?:共享|开放|使用|管理).{0,4}(?:规定|制度|须知|办法)",
    ),
    _Names(
        "share_mode",
        "共享模式 共享方式 开放模式 开放方式 共享类型 是否共享 sharemode sharing",
        "(?:共享|开放)(?:模式|方式|类型|范围)|sharemode",
    ),
    _Names(
        "status",
        "运行状态 状态 仪器状态 设备状态 使用状态 仪器运行状态 status",
        "(?:运行|仪器|设备|使用)状态",
    ),
    _Names(
        "booking_url",
        "预约网址 预约地址 预约链接 服务网址 网址 url bookingurl website",
        "网址|链接|url",
    ),
    _Names("longitude", "经度 longitude lng lon", "经度|longitude"),
    _Names("latitude", "纬度 latitude lat", "纬度|latitude"),
    _Names(
        "specifications",
        "主要技术指标 技术指标 技术参数 主要技术参数 主要参数 性能指标 指标 specifications",
        "(?:技术|性能|主要)(?:指标|参数)|specification",
    ),
    _Names(
        "services",
        "服务内容 服务项目 主要服务 测试项目 检测项目 可提供服务 服务领域 services service",
        "服务(?:内容|项目|范围|领域)|(?:测试|检测|分析)项目|^services?$",
    ),
    _Names(
        "functions",
        "主要功能 功能 功能用途 主要功能及用途 主要用途 用途 功能描述 简介 说明 functions function",
        "功能|用途|简介|functions?$|descri",
    ),
    _Names(
        "place",
        """
        安放地址 安放地点 存放地点 存放地址 放置地点 安装地址 安装地点 所在地 所在地区 所在地址
        地址 地点 实验室 房间号 房间 place location address
        """,
        "(?:安放|存放|放置|安装|所在|仪器).{0,2}(?:地址|地点|位置)|^地[址点]",
    ),
    _Names(
        "organization",
        """
        所属单位 所在单位 单位 单位名称 管理单位 所有单位 仪器所属单位 所属机构 机构名称
        organization institution owner
        """,
        "(?:所属|所在|管理|所有|权属|依托).{0,4}(?:单位|机构)$|单位[名全]称|organi[sz]ation|institution",
    ),
    _Names(
        "contact_name",
        "联系人 联络人 姓名 负责人 机组负责人 管理员 仪器联系人 仪器负责人 contact contactname",
        "联系人|联络人|负责人|管理员|contact(?:person|name)",
    ),
)

_TABLES: Final = {
    ImportKind.INSTRUMENT: (
        *_INSTRUMENT,
        *(
            one
            for one in _SHARED
            if one.field
            in (
                "state",
                "organization_code",
                "contact",
                "contact_email",
                "contact_phone",
                "contact_department",
            )
        ),
    ),
    ImportKind.ACHIEVEMENT: (*_ACHIEVEMENT, *_SHARED),
    ImportKind.DEMAND: (*_DEMAND, *_SHARED),
}
# The field of a name, and how usual the name is; of two fields the first has it.
_USUAL: Final = {
    kind: {
        name: (one.field, usual)
        for one in reversed(table)
        for usual, name in enumerate(one.names.split())
    }
    for kind, table in _TABLES.items()
}
_PARTS: Final = {
    kind: [(one.field, re.compile(one.parts)) for one in table if one.parts]
    for kind, table in _TABLES.items()
}
_OTHER_TITLE: Final = {
    ImportKind.ACHIEVEMENT: re.compile(
        "需求.{0,4}(?:名称|题目|标题|内容|描述|编号|单位|企业)|技术需求|技术难题|难题名称|demand"
        "|仪器(?:设备)?(?:中文)?名称|instrumentname"
    ),
    ImportKind.DEMAND: re.compile(
        "成果.{0,4}(?:名称|题目|标题|简介|内容|编号|单位)|科技成果|achievement"
        "|仪器(?:设备)?(?:中文)?名称|instrumentname"
    ),
    ImportKind.INSTRUMENT: re.compile(
        "(?:成果|需求|难题)(?:名称|题目|标题|简介|内容|描述)|技术需求|技术难题|achievement|demand"
    ),
}
_OWN_TITLE: Final = {
    ImportKind.ACHIEVEMENT: re.compile("成果|专利|技术|发明|achievement|technology|invention"),
    ImportKind.DEMAND: re.compile("需求|难题|榜|攻关|demand|need|requirement"),
    ImportKind.INSTRUMENT: re.compile(f"{_OF_INSTRUMENT}|instrument|equipment"),
}

_NO_HEADER: Final = Text(
    "没有找到表头：表中须有“{title}”一列（读到的表：{sheets}）",
    'there is no header: the list needs a column "{title}" (sheets read: {sheets})',
)
_WRONG_KIND: Final = Text(
    "这份清单的表头是另一种清单的（{header}），请核对清单种类",
    "the header is that of another list ({header}): check which list this is",
)
_TITLED: Final = {
    ImportKind.ACHIEVEMENT: "成果名称",
    ImportKind.DEMAND: "需求名称",
    ImportKind.INSTRUMENT: "仪器名称",
}


# In a header these settle whether a column of numbers counts rows or tells records apart.
UNIQUE: Final = "本单位唯一"
UNREAD: Final = "不导入"


def settled(header: str, field: str | None, kind: ImportKind) -> str:
    """A header that is read as before where only some of the rows stand below it."""
    if field == "number" and UNIQUE not in header:
        return f"{header}（{UNIQUE}）"
    counts = field is None and any(_named(name, kind) == "number" for name in _names(header))
    return f"{header}（{UNREAD}）" if counts else header


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its place from 0, its header as typed, its field (None: not read).

    `unit` is the yuan that the header, or a note above it, gives a bare number of money.
    """

    place: int
    header: str
    field: str | None
    unit: Decimal | None


@dataclass(frozen=True, slots=True)
class Layout:
    """A sheet with its header's row from 1, its columns in order, and the rows below.

    `last` is the header's last row, which is another where groups of columns stand above them.
    `title` is the place of the column that records are known by.
    """

    sheet: Sheet
    header_row: int
    last: int
    title: int
    columns: list[Column]

    @property
    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """The rows below the header with their numbers."""
        return enumerate(self.sheet.rows[self.last :], self.last + 1)


@dataclass(frozen=True, slots=True)
class _Header:
    """A row that may be a header, or two of them: by place what is typed and what that may name."""

    last: int
    typed: list[str]
    names: list[list[str]]
    # Places whose header stands in the row above the last.
    above: frozenset[int] = frozenset()


Mapping = dict[str, str | None]
"""What a caller says of columns: header as typed, and its field, or None where it is not read."""


def find_layout(
    sheets: Sequence[Sheet], kind: ImportKind, mapping: Mapping | None = None
) -> Layout:
    """The sheet and header that know most fields. Raises FileRefused."""
    mapped = {identity(header): field for header, field in (mapping or {}).items()}
    best: tuple[int, int] = (0, 0)
    found: Layout | None = None
    other: str | None = None
    for sheet in sheets:
        for header in _headers(sheet, kind):
            fields = _fields(header, kind, mapped)
            known = len(set(fields.values()))
            title = next((at for at, one in fields.items() if one == TITLES[kind]), None)
            alone = sum(bool(one) for one in header.typed) == 1
            if not alone and (foreign := _foreign(header, title, kind)) is not None:
                other = other or foreign
                continue
            if title is None:
                continue
            chosen = identity(header.typed[title]) in mapped
            if known < 2 and not (alone or chosen or _exact(header.names[title][0], kind)):
                continue
            rows = sum(bool(shown(_at(row, title))) for row in sheet.rows[header.last :])
            # An example or a dictionary has the list's header too, and fewer rows below it.
            elsewhere = found is not None and found.sheet is not sheet
            if (known, rows if elsewhere else 0) > (best[0], best[1] if elsewhere else 0):
                best = known, rows
                number = header.last - (title in header.above)
                columns = _columns(sheet, header, fields)
                found = Layout(sheet, number, header.last, title, columns)
    if found is None or (best[0] < 2 and other is not None):
        if other is not None:
            raise FileRefused("wrong_kind", _WRONG_KIND.format(header=other))
        names = "、".join(sheet.name or "csv" for sheet in sheets)
        message = _NO_HEADER.format(title=_TITLED[kind], sheets=names)
        raise FileRefused("header_not_found", message)
    return _without_counting(found, mapped)


def repeats_header(layout: Layout, row: Sequence[Cell], kind: ImportKind) -> bool:
    """Whether a row is the header once more, perhaps in another language."""
    title = layout.title
    if not any(_named(name, kind) == TITLES[kind] for name in _names(_at(row, title))):
        return False
    names = [_names(cell) for cell in row]
    fields = _fields(_Header(0, [shown(cell) for cell in row], names), kind)
    columns = {one.place: one.field for one in layout.columns if one.field is not None}
    same = [place for place, field in fields.items() if columns.get(place) == field]
    filled = sum(bool(shown(cell)) for cell in row)
    return len(same) >= max(2, filled / 2) and title in same


def _foreign(header: _Header, title: int | None, kind: ImportKind) -> str | None:
    """The header that only another list has, unless the title is this list's own."""
    own = header.names[title][0] if title is not None else ""
    if own and not _OTHER_TITLE[kind].search(own):
        # 项目名称 stands in several lists: the one that knows more of the columns has it.
        known = {one: len(set(_fields(header, one).values())) for one in ImportKind}
        if _OWN_TITLE[kind].search(own) or known[kind] == max(known.values()):
            return None
    cleaned = (name for names in header.names for name in names[:1])
    return next((one for one in cleaned if _OTHER_TITLE[kind].search(one)), None)


def _headers(sheet: Sheet, kind: ImportKind) -> Iterator[_Header]:
    above: Sequence[Cell] = ()
    for number, row in enumerate(sheet.rows[:_SEARCHED_ROWS], 1):
        named = [bool(_named(one, kind)) for one in map(_clean, row) if one]
        if named and sum(named) >= len(named) / 2:
            grouped = _grouped(above, row, number)
            if grouped is not None:
                yield grouped
        yield _Header(number, [shown(cell) for cell in row], [_names(cell) for cell in row])
        above = row


def _names(cell: Cell) -> list[str]:
    """What a cell may be called as a header: as a whole, or by its first line."""
    if not isinstance(cell, str) or UNREAD in cell or not (whole := _clean(cell)):
        return []
    first = _clean(shown(cell).split("\n")[0])
    return [whole, first] if len(first) >= _FIRST_LINE else [whole]


def _grouped(above: Sequence[Cell], row: Sequence[Cell], number: int) -> _Header | None:
    """The header of two rows, the upper with groups (联系人: 姓名, 电话), if it looks like one."""
    filled = [cell for cell in (*above, *row) if cell not in (None, "")]
    if not all(isinstance(one, str) and 0 < len(_clean(one)) <= _GROUP for one in filled):
        return None
    if sum(cell not in (None, "") for cell in above) < 2:
        return None  # a title, or what is beside it
    typed, names, upper = [], [], set()
    group, spans = "", False
    lower = [shown(cell) for cell in row]
    for place in range(max(len(above), len(row))):
        over, under = shown(_at(above, place)), shown(_at(row, place))
        if under == over:  # merged over both rows
            under = ""
        if over or not under:
            group = over
        spans = spans or bool(group and under and not over)
        if not under:
            upper.add(place)
        if under and lower.count(under) > 1 and group:
            typed.append(f"{group} {under}")  # 企业 名称 and 需求 名称
        else:
            typed.append(under or over)
        stem = re.sub("(?:基本|相关)?(?:信息|情况|资料)$", "", _clean(group)) if under else ""
        names.append([stem + _clean(under), *_names(under)] if under else _names(over))
    return _Header(number, typed, names, frozenset(upper)) if spans else None


def _columns(sheet: Sheet, header: _Header, fields: dict[int, str]) -> list[Column]:
    noted = _noted_unit(sheet.rows[: header.last - 1])
    # A bare 预算 may take its unit from a note above the header, as tables of accounts do.
    return [
        Column(place, typed, fields.get(place), unit_of(typed) or noted)
        for place, typed in enumerate(header.typed)
        if typed
    ]


def _at(row: Sequence[Cell], place: int) -> Cell:
    return row[place] if place < len(row) else None


def _noted_unit(rows: Sequence[Sequence[Cell]]) -> Decimal | None:
    for row in rows:
        for cell in row:
            note = re.search("单位[:：]((?:人民币)?[十百千万亿]*元)", identity(shown(cell)))
            if note is not None:
                return unit_of(note[1])
    return None


def _clean(cell: Cell) -> str:
    """A header as it is compared; nothing where the cell is too long to be one."""
    folded = identity(shown(cell))
    bare = re.sub(r"[(\[【〔][^)\]】〕]*[)\]】〕]", "", folded) or folded
    if len(bare) > _HEADER_LENGTH:
        return ""
    plain = re.sub(
        r"[*＊※★:：]|必填|选填|[/、,](?:万|[十百千万亿]*元)$|单位:?.*元$|^\d+[.、]|^[一二三四五六七八九十]+、",
        "",
        bare,
    )
    return re.sub("[、,，]|/(?![a-z])", "及", plain.rstrip("."))


def _fields(header: _Header, kind: ImportKind, mapped: Mapping | None = None) -> dict[int, str]:
    """The fields that a header's cells name, by their place; what a caller says of one decides."""
    said = {
        place: mapped[one]
        for place, typed in enumerate(header.typed)
        if mapped and (one := identity(typed)) in mapped
    }
    exact: dict[int, tuple[str, int]] = {}
    partial: dict[int, list[str]] = {}
    for place, names in enumerate(header.names):
        if place in said:
            continue
        found = (_exact(name, kind) for name in names)
        if (field := next((one for one in found if one is not None), None)) is not None:
            exact[place] = field
        if not any(_ASIDE.search(name) for name in names):
            partial[place] = [one for name in names for one in _telling(name, kind)]
    fields = {place: field for place, field in said.items() if field is not None}
    # Of several columns for one field, the one with the most usual name, then the first.
    for place in sorted(exact, key=lambda at: (exact[at][1], at)):
        name, _ = exact[place]
        if name in SEVERAL or name not in fields.values():
            fields[place] = name
    for place, telling in partial.items():
        # 技术难题 beside 需求名称 tells of the demand: a name that is taken may be part of another.
        likely = telling[:1] if place not in exact else telling
        if place not in fields:
            free = (one for one in likely if one in SEVERAL or one not in fields.values())
            if (first := next(free, None)) is not None:
                fields[place] = first
    return dict(sorted(fields.items()))


def _named(name: str, kind: ImportKind) -> str | None:
    if (found := _exact(name, kind)) is not None:
        return found[0]
    return next(iter(_telling(name, kind)), None)


def _telling(name: str, kind: ImportKind) -> list[str]:
    """The fields of which a part of this name tells, the likeliest first."""
    return [field for field, parts in _PARTS[kind] if parts.search(name)]


def asks_for_openness(header: str) -> bool:
    """Whether 是 below this header shows the enterprise's name (是否公开企业名称), not hides it."""
    cleaned = _clean(header)
    return "匿名" not in cleaned and bool(_OPENNESS.search(cleaned))


def _exact(name: str, kind: ImportKind) -> tuple[str, int] | None:
    """The field that has this name, and how usual the name is."""
    if kind is ImportKind.DEMAND and _ANONYMOUS.search(name):
        return "anonymous", 0
    return _USUAL[kind].get(name)


def _without_counting(layout: Layout, mapped: Mapping) -> Layout:
    """A column that only counts rows is no number of the list's own."""
    columns = [
        Column(one.place, one.header, None, one.unit)
        if one.field == "number"
        and UNIQUE not in one.header
        and identity(one.header) not in mapped
        and _only_counts(layout, one.place)
        else one
        for one in layout.columns
    ]
    return replace(layout, columns=columns)


_COUNTS: Final = frozenset("序号 no # sn s/n serialno serialnumber".split())


def _only_counts(layout: Layout, place: int) -> bool:
    title = layout.title
    header = next(identity(one.header) for one in layout.columns if one.place == place)
    typed = [
        identity(shown(row[place]))
        for _, row in layout.rows
        if len(row) > max(place, title) and shown(row[title])
    ]
    values = [one for one in typed if one and one != header]
    if header.rstrip(".") in _COUNTS:
        # With rows taken out or sorted anew they count no less.
        own = sum(bool(re.search("[a-z]|[0-9]{6}", one)) for one in values)
        return own <= len(values) / 2
    numbers = [int(one) for one in values if one.isascii() and one.isdigit() and len(one) < 7]
    if not numbers:
        return not values
    # Signatures may stand under the count.
    while not re.search("[0-9]", values[-1]):
        values.pop()
    steps = sum(b == a + 1 for a, b in itertools.pairwise(numbers))
    counted = numbers[0] <= 1 and steps >= 0.9 * (len(numbers) - 1)
    return counted and len(numbers) >= 0.9 * len(values)
