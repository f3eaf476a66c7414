"""Technology brokers (技术经纪人), their mandates (委托), and service institutions (科技服务机构)."""
