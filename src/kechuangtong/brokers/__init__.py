"""Technology brokers (技术经纪人), their mandates (委托), service institutions (科技服务机构)."""
